using System.Globalization;
using CsCheck;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Tests.Model;
using Rollcall.Testing;

namespace Rollcall.DirectorySync.Tests;

/// <summary>
/// Whatever happens to a directory, to Graph and between syncs: once it is over, the roster is the directory. A failure
/// prints its seed; CsCheck_Seed=… runs that story again.
/// </summary>
public sealed class StoryTests(DirectoryFixture service, ITestOutputHelper output)
{
    /// <summary>Many at once: a story mostly waits, for Graph, for the database or for its events.</summary>
    private const int AtOnce = 8;

    private static readonly bool Long = Environment.GetEnvironmentVariable("ROLLCALL_LONG") == "1";

    /// <summary>ROLLCALL_STORIES=n tells n of them.</summary>
    private static readonly int Stories =
        Environment.GetEnvironmentVariable("ROLLCALL_STORIES") is { Length: > 0 } count
            ? int.Parse(count, CultureInfo.InvariantCulture)
        : Long ? 20_000
        : 600;

    [Fact]
    public async Task AnyStory_OnceItIsOver_RosterIsTheDirectory()
    {
        var started = TimeProvider.System.GetTimestamp();
        var count = 0;

        await Story.Any.SampleAsync(
            async story =>
            {
                await TellAsync(story);
                Interlocked.Increment(ref count);
            },
            iter: Stories,
            threads: AtOnce
        );

        output.WriteLine($"{count} stories in {TimeProvider.System.GetElapsedTime(started).TotalSeconds:F0} s");
    }

    private async Task TellAsync(Story story)
    {
        using var world = new World(service.Graph, story);
        var client = new StoryClient(service.Services, world.Tenant.Id);
        await client.CreateAsync();
        var before = await client.SyncAsync();
        world.Seen();
        foreach (var turn in story.Turns)
        {
            switch (turn.Kind)
            {
                case TurnKind.Sync:
                    var after = await client.SyncAsync();
                    Assert.True(after.Failures == 0 || after.RosterVersion == before.RosterVersion);
                    before = after;
                    if (after.Failures == 0)
                    {
                        world.Seen();
                    }

                    break;
                case TurnKind.Approve:
                    await client.ApproveAsync();
                    before = await client.StateAsync();
                    break;
                case TurnKind.Rescope when turn.C % 2 == 0:
                    await client.RescopeToRuleAsync();
                    break;
                case TurnKind.Rescope:
                    await client.RescopeAsync(turn.A % 3 == 0 ? null : world.GroupId(turn.B));
                    break;
                case TurnKind.MutateCursor:
                    await client.MutateCursorAsync();
                    break;
                default:
                    world.Apply(turn);
                    break;
            }
        }

        world.Mend();
        await client.SettleAsync();
        await CheckAsync(story, world, client);
    }

    private async Task CheckAsync(Story story, World world, StoryClient client)
    {
        var roster = await RosterAsync(client);
        var check = new RosterCheck(world.Tenant, roster, client.ScopeGroup, client.ScopeRule);
        check.IsTheDirectory();
        check.HasEdges(await MembershipsAsync(client));
        var events = await EventsAsync(client, roster.Version);
        var replayed = RosterView.Replay(events);
        Assert.Equal(roster.Users.Values.OrderBy(u => u.Id), replayed.Users.Values.OrderBy(u => u.Id));
        Assert.Equal(roster.Groups.Values.OrderBy(g => g.Id), replayed.Groups.Values.OrderBy(g => g.Id));
        check.HasOutside(events.MaxBy(e => e.RosterVersion)?.OutsideImportCount ?? 0);
        if (story.IsScoped)
        {
            return;
        }

        var steady = world.ActiveThroughout.Select(id => id.ToString()).ToHashSet();
        Assert.All(
            events.SelectMany(e => e.Users).Where(u => steady.Contains(u.ExternalId)),
            u => Assert.Equal((UserState.Active, false), (u.State, u.StagedForRemoval))
        );
    }

    private async Task<RosterView> RosterAsync(StoryClient client)
    {
        var api = service.Client<RosterService.RosterServiceClient>(TestTokens.MspAdmin(client.MspId));
        using var stream = api.StreamRoster(new() { ClientId = client.ClientId.ToString() });
        var view = new RosterView(0, [], []);
        await foreach (var chunk in stream.ResponseStream.ReadAllAsync())
        {
            view = view with { Version = Math.Max(view.Version, chunk.RosterVersion) };
            chunk.Users.ToList().ForEach(u => view.Users.Add(u.Id, u));
            chunk.Groups.ToList().ForEach(g => view.Groups.Add(g.Id, g));
        }

        return view;
    }

    private static Task<List<Membership>> MembershipsAsync(StoryClient client) =>
        client.InTenantAsync(async scope =>
        {
            var db = scope.GetRequiredService<DirectoryDbContext>();
            await using var transaction = await db.BeginAsync(default);
            return await db.Memberships.AsNoTracking().Where(m => m.ClientId == client.ClientId).ToListAsync();
        });

    /// <summary>Waits for the dispatcher to have published everything up to the version.</summary>
    private async Task<List<RosterChanged>> EventsAsync(StoryClient client, long version)
    {
        List<RosterChanged> events = [];
        await Eventually.HoldsAsync(
            () =>
            {
                events = service.Events.Of<RosterChanged>(client.ClientId);
                Assert.Equal(version, RosterView.Replay(events).Version);
                return Task.CompletedTask;
            },
            TimeSpan.FromSeconds(30)
        );
        return events;
    }
}
