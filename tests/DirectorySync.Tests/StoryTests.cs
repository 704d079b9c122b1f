using System.Globalization;
using CsCheck;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Tests.Model;
using Rollcall.GraphEmulator.Model;

namespace Rollcall.DirectorySync.Tests;

/// <summary>
/// Whatever happens to a directory, to Graph and between syncs: once it is over, the roster is the directory. A failure
/// prints its seed; CsCheck_Seed=… runs that story again. ./test tells the same stories each time, so that it says
/// something about the change at hand; --long tells others, and many more.
/// </summary>
public sealed class StoryTests(DirectoryFixture service, ITestOutputHelper output)
{
    /// <summary>Many at once: a story mostly waits, for Graph, for the database or for its events.</summary>
    private const int AtOnce = 8;

    private const ulong Series = 20_260_101;

    private static readonly bool Long = Environment.GetEnvironmentVariable("ROLLCALL_LONG") == "1";

    /// <summary>ROLLCALL_STORIES=n tells n of them.</summary>
    private static readonly int Stories =
        Environment.GetEnvironmentVariable("ROLLCALL_STORIES") is { Length: > 0 } count
            ? int.Parse(count, CultureInfo.InvariantCulture)
        : Long ? 20_000
        : 2_000;

    [Fact]
    public async Task AnyStory_OnceItIsOver_RosterIsTheDirectory()
    {
        var started = TimeProvider.System.GetTimestamp();
        var count = 0;
        if (Long || Environment.GetEnvironmentVariable("CsCheck_Seed") is { Length: > 0 })
        {
            await Story.Any.SampleAsync(CountedAsync, iter: Stories, threads: AtOnce);
        }
        else
        {
            await Parallel.ForEachAsync(
                Enumerable.Range(0, Stories),
                new ParallelOptions { MaxDegreeOfParallelism = AtOnce },
                async (i, _) => await OfTheSeriesAsync(i)
            );
        }

        async Task CountedAsync(Story story)
        {
            await TellAsync(story);
            Interlocked.Increment(ref count);
        }

        async Task OfTheSeriesAsync(int number)
        {
            var source = new PCG((uint)number, Series);
            var seed = source.ToString();
            try
            {
                await CountedAsync(Story.Any.Generate(source, min: null, out var _));
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"CsCheck_Seed={seed} tells this story again, and shorter", e);
            }
        }

        output.WriteLine($"{count} stories in {TimeProvider.System.GetElapsedTime(started).TotalSeconds:F0} s");
    }

    /// <summary>Deleted while the groups are read and back when it is the people's turn: links come back without a word.</summary>
    [Fact]
    public Task FullRound_SomebodyIsRestoredMeanwhile_KeepsTheirGroups() =>
        TellAsync(
            new(
                Seed: 1,
                Users: 9,
                Groups: 2,
                new() { PageSize = 1, Throttling = false },
                [
                    new(TurnKind.AddMember, 0, 8, 0),
                    new(TurnKind.AddMember, 1, 8, 0),
                    new(TurnKind.Sync, 0, 0, 0),
                    new(TurnKind.DeleteUser, 8, 0, 0),
                    new(TurnKind.Reset, 0, 0, 0),
                    new(TurnKind.Sync, 0, 0, 0),
                    Turn.Meanwhile("users", 5, TurnKind.RestoreUser),
                    new(TurnKind.Sync, 0, 0, 0),
                ]
            )
        );

    /// <summary>Restored when the groups could have been read, had they been asked for first.</summary>
    [Fact]
    public async Task FullRound_SomebodyIsRestoredAsItBegins_KeepsTheirGroups()
    {
        var settings = new TenantSettings { PageSize = 1, Throttling = false };
        using var world = new World(service.Graph, new(1, Users: 3, Groups: 1, settings, []));
        var client = new StoryClient(service, world.Tenant.Id);
        await client.CreateAsync();
        world.Apply(new(TurnKind.AddMember, 0, 2, 0));
        await client.SettleAsync();
        world.Apply(new(TurnKind.DeleteUser, 2, 0, 0));
        world.Apply(new(TurnKind.Reset, 0, 0, 0));
        await client.SyncAsync();
        using var groupsRead = new ManualResetEventSlim();
        var restored = false;
        var called = world.Tenant.Called;
        world.Tenant.Called = stream =>
        {
            called?.Invoke(stream);
            if (stream == "groups")
            {
                groupsRead.Set();
            }
            else if (!restored)
            {
                restored = true;
                groupsRead.Wait(TimeSpan.FromSeconds(1));
                Thread.Sleep(100);
                world.Apply(new(TurnKind.RestoreUser, 0, 0, 0));
            }
        };

        await client.SettleAsync();

        var check = new RosterCheck(world.Tenant, await client.RosterAsync());
        check.IsTheDirectory();
        check.HasEdges(await client.MembershipsAsync());
    }

    /// <summary>
    /// Its return shows when the group it is in has been read and it has not: it stands there without a link, and the
    /// delta afterwards says no word of one.
    /// </summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public Task FullRound_GroupComesBackMeanwhile_KeepsItsNesting(bool knownAsDeleted) =>
        TellAsync(
            new(
                Seed: 11,
                Users: 2,
                Groups: 3,
                new() { PageSize = 1, Throttling = false },
                [
                    new(TurnKind.Nest, 0, 2, 0),
                    new(TurnKind.Sync, 0, 0, 0),
                    new(TurnKind.DeleteGroup, 2, 0, 0),
                    new(knownAsDeleted ? TurnKind.Sync : TurnKind.Mend, 0, 0, 0),
                    new(TurnKind.Reset, 0, 0, 0),
                    new(TurnKind.Sync, 0, 0, 0),
                    Turn.Meanwhile("groups", 2, TurnKind.RestoreGroup),
                    new(TurnKind.Sync, 0, 0, 0),
                ]
            )
        );

    /// <summary>A first round reads groups and people at once; stories begin after it.</summary>
    [Fact]
    public async Task FirstRound_SomebodyIsRestoredMeanwhile_KeepsGroupsAndReports()
    {
        var settings = new TenantSettings { PageSize = 1, Throttling = false };
        using var world = new World(service.Graph, new(1, Users: 9, Groups: 1, settings, []));
        var client = new StoryClient(service, world.Tenant.Id);
        await client.CreateAsync();
        world.Apply(new(TurnKind.AddMember, 0, 8, 0));
        world.Apply(new(TurnKind.SetManager, 0, 8, 1));
        world.Apply(new(TurnKind.DeleteUser, 8, 0, 0));
        world.Apply(Turn.Meanwhile("users", 5, TurnKind.RestoreUser));
        await client.SyncAsync();

        world.End();
        await client.SettleAsync();

        var check = new RosterCheck(world.Tenant, await client.RosterAsync());
        check.IsTheDirectory();
        check.HasEdges(await client.MembershipsAsync());
    }

    private async Task TellAsync(Story story)
    {
        using var world = new World(service.Graph, story);
        var client = new StoryClient(service, world.Tenant.Id);
        await client.CreateAsync();
        await SyncAsync(world, client, death: null);
        Death? inSync = null;
        Death? inApproval = null;
        foreach (var turn in story.Turns)
        {
            switch (turn.Kind)
            {
                case TurnKind.Sync:
                    await SyncAsync(world, client, inSync);
                    inSync = null;
                    break;
                case TurnKind.Approve:
                    await ApproveAsync(client, inApproval);
                    inApproval = null;
                    break;
                case TurnKind.Die when turn.ToDeath() is var (point, time, isApproval):
                    inSync = isApproval ? inSync : new(point, time);
                    inApproval = isApproval ? new(point, time) : inApproval;
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

        world.End();
        await client.SettleAsync();
        await CheckAsync(story, world, client);
    }

    /// <summary>A failed sync, or one that dies, changes nothing by halves.</summary>
    private static async Task SyncAsync(World world, StoryClient client, Death? death)
    {
        var found = world.Look();
        var before = await client.StateAsync();
        var after = await client.SyncAsync(death);
        Assert.True(after.Failures == 0 || after.RosterVersion == before.RosterVersion);
        if (after.CursorVersion == before.CursorVersion)
        {
            Assert.Equal((before.RosterVersion, before.Staged), (after.RosterVersion, after.Staged));
        }
        else if (after.Failures == 0)
        {
            world.Seen(found);
        }
    }

    /// <summary>All of it, or nothing.</summary>
    private static async Task ApproveAsync(StoryClient client, Death? death)
    {
        var before = await client.StateAsync();
        var lived = await client.ApproveAsync(death);
        var after = await client.StateAsync();
        var minted = after.RosterVersion - before.RosterVersion;
        var isDone = (after.Staged, minted) == (0, before.Staged > 0 ? 1 : 0);
        var isUndone = (after.Staged, minted) == (before.Staged, 0);
        Assert.True(isDone || (isUndone && !lived), $"{before}, then {after}");
    }

    private async Task CheckAsync(Story story, World world, StoryClient client)
    {
        var roster = await client.RosterAsync();
        var check = new RosterCheck(world.Tenant, roster, client.ScopeGroup, client.ScopeRule);
        check.IsTheDirectory();
        check.HasEdges(await client.MembershipsAsync());
        var events = await EventsAsync(client, roster.Version);
        var replayed = RosterView.Replay(events);
        Assert.Equal(roster.Version, replayed.Version);
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

    /// <summary>Waits for the dispatcher to have published everything up to the version.</summary>
    private async Task<List<RosterChanged>> EventsAsync(StoryClient client, long version)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (!IsComplete() && TimeProvider.System.GetElapsedTime(start) < TimeSpan.FromSeconds(60))
        {
            await Task.Delay(20);
        }

        return service.Events.Of<RosterChanged>(client.ClientId);

        bool IsComplete()
        {
            var parts = service.Events.Of<RosterChanged>(client.ClientId).FindAll(e => e.RosterVersion == version);
            return version == 0 || (parts.Count > 0 && parts.Count >= parts[0].Parts);
        }
    }
}
