using System.Text;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Graph;
using Rollcall.DirectorySync.Sync;
using Rollcall.DirectorySync.Tests.Model;
using Rollcall.Testing;

namespace Rollcall.DirectorySync.Tests;

public sealed class PersonTests(DirectoryFixture service)
{
    [Theory]
    [InlineData("user")]
    [InlineData("object")]
    [InlineData("name")]
    public async Task Person_Changed_IsReadAloneAndMovesNoCursor(string by)
    {
        var client = await service.ConnectedAsync();
        var people = await client.AddPeopleAsync(2);
        await client.SyncedAsync();
        var before = await SyncAsync(client);
        var version = await client.RosterVersionAsync();
        foreach (var person in people)
        {
            await client.GraphAsync(HttpMethod.Patch, $"users/{person}", new { jobTitle = "Pilot" });
        }

        await client.GraphAsync(HttpMethod.Put, $"users/{people[0]}/manager", new { manager = people[1] });
        var user = await client.UserAsync(people[0]);

        var run = await SyncPersonAsync(
            client,
            by switch
            {
                "user" => user.Id,
                "object" => people[0].ToString(),
                _ => $"person0@{client.Directory:N}.example",
            }
        );

        Assert.Equal((SyncRunState.Succeeded, version + 1, 1), (run.State, run.RosterVersion, run.Changed));
        var after = await client.UserAsync(people[0]);
        var other = await client.UserAsync(people[1]);
        Assert.Equal((user.Id, "Pilot", other.Id), (after.Id, after.JobTitle, after.ManagerId));
        Assert.NotEqual("Pilot", other.JobTitle);
        var sync = await SyncAsync(client);
        Assert.Equal(
            (before.UsersCursor, before.GroupsCursor, before.CursorVersion, before.NextAt, null),
            (sync.UsersCursor, sync.GroupsCursor, sync.CursorVersion, sync.NextAt, sync.Owner)
        );
        Assert.Equal(user.Id, Assert.Single(await EventsAsync(client, run)).UserId);
        Assert.Equal("Pilot", (await RoundAsync(client, people[1])).JobTitle);
    }

    [Fact]
    public async Task Person_New_JoinsBeforeTheRound()
    {
        var client = await service.ConnectedAsync();
        var person = await client.AddPersonAsync("ada");

        var run = await SyncPersonAsync(client, person.ToString());

        Assert.Equal((SyncRunState.Succeeded, 1), (run.State, run.Added));
        Assert.Equal(UserState.Active, (await client.UserAsync(person)).State);
        Assert.Equal(0, (await client.SyncedAsync()).Added);
    }

    [Fact]
    public async Task Person_Gone_IsLeftToTheRoundThatFollows()
    {
        var client = await service.ConnectedAsync();
        var people = await client.AddPeopleAsync(3);
        await client.SyncedAsync();
        await client.GraphAsync(HttpMethod.Delete, $"users/{people[0]}");

        var run = await SyncPersonAsync(client, people[0].ToString());

        Assert.Equal((SyncRunState.Failed, PersonSync.NotFound), (run.State, run.ErrorCode));
        Assert.Empty(await EventsAsync(client, run));
        await Eventually.HoldsAsync(async () =>
            Assert.Equal(UserState.Removed, (await client.UserAsync(people[0])).State)
        );
        Assert.Equal(HealthState.Healthy, (await client.HealthAsync()).State);
    }

    [Fact]
    public async Task Person_Returned_ComesBackWithTheirGroups()
    {
        var client = await service.ConnectedAsync();
        var people = await client.AddPeopleAsync(3);
        await client.AddGroupAsync("Board", people[0]);
        await client.SyncedAsync();
        await client.GraphAsync(HttpMethod.Delete, $"users/{people[0]}");
        await client.SyncedAsync();
        await client.SyncedAsync(SyncMode.Full);
        await client.GraphAsync(HttpMethod.Post, $"users/{people[0]}/restore");

        var run = await SyncPersonAsync(client, people[0].ToString());

        Assert.Equal((SyncRunState.Succeeded, PersonSync.Returned), (run.State, run.ErrorCode));
        await Eventually.HoldsAsync(async () =>
        {
            var user = await client.UserAsync(people[0]);
            Assert.Equal((UserState.Active, 1), (user.State, user.GroupIds.Count));
        });
    }

    [Fact]
    public async Task Person_OlderFence_WritesNothing()
    {
        using var world = new World(service.Graph, new(1, Users: 5, Groups: 1, new(), []));
        var client = new StoryClient(service, world.Tenant.Id);
        await client.CreateAsync();
        var person = await AskAsync(client, world);
        var stale = await client.ClaimAsync() with { RequestedRunId = person };
        await client.ClaimAsync();

        await Assert.ThrowsAsync<LeaseLostException>(() =>
            service.Services.GetRequiredService<SyncRunner>().RunAsync(stale, default)
        );

        Assert.Equal((0, 0L), await RosterAsync(client));
    }

    [Fact]
    public async Task Person_NextRoundIsFull_NobodyElseIsMissing()
    {
        using var world = new World(service.Graph, new(1, Users: 5, Groups: 1, new(), []));
        var client = new StoryClient(service, world.Tenant.Id);
        await client.CreateAsync();
        await client.SettleAsync();
        var before = await RosterAsync(client);
        var person = await AskAsync(client, world);
        var lease = await client.ClaimAsync() with { RequestedRunId = person, UsersCursor = null, GroupsCursor = null };

        await service.Services.GetRequiredService<SyncRunner>().RunAsync(lease, default);

        Assert.Equal(before, await RosterAsync(client));
    }

    [Theory]
    [InlineData("somebody", SyncMode.Delta)]
    [InlineData("a/b@c.example", SyncMode.Delta)]
    [InlineData("ada@c.example", SyncMode.Full)]
    public async Task Person_NoNameOfOne_IsRefused(string person, SyncMode mode)
    {
        var client = await service.ConnectedAsync();

        var error = await Assert.ThrowsAsync<RpcException>(async () =>
            await client.Syncs.StartSyncAsync(
                new()
                {
                    ClientId = client.Id,
                    Person = person,
                    Mode = mode,
                }
            )
        );

        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
    }

    [Fact]
    public async Task FindUser_NotThere_IsAnAnswerHoweverOften()
    {
        var client = await service.ConnectedAsync();
        var graph = service.Services.GetRequiredService<GraphDirectory>();

        for (var i = 0; i < 20; i++)
        {
            Assert.Null(await graph.FindUserAsync(client.Directory, Guid.CreateVersion7().ToString(), default));
        }
    }

    [Fact]
    public void User_WithoutManager_SaysNothingOfThem()
    {
        const string User = """{"id":"00000000-0000-0000-0000-000000000001","displayName":"Ada","jobTitle":null""";

        var alone = GraphPage.User(Encoding.UTF8.GetBytes(User + "}"));
        var managed = GraphPage.User(
            Encoding.UTF8.GetBytes(User + ""","manager":{"id":"00000000-0000-0000-0000-000000000002"}}""")
        );

        Assert.Equal((false, null), (alone.ManagerChanged, alone.Manager));
        Assert.True(managed.ManagerChanged);
        Assert.Equal("00000000-0000-0000-0000-000000000002", managed.Manager.ToString());
        Assert.Equal("Ada", alone.Patch["displayName"]);
    }

    private static async Task<SyncRun> SyncPersonAsync(TestClient client, string person)
    {
        var run = (await client.Syncs.StartSyncAsync(new() { ClientId = client.Id, Person = person })).Run;
        using var watch = client.Syncs.WatchSyncRun(new() { ClientId = client.Id, SyncRunId = run.Id });
        await foreach (var state in watch.ResponseStream.ReadAllAsync())
        {
            run = state.Run;
        }

        return run;
    }

    private static async Task<User> RoundAsync(TestClient client, Guid person)
    {
        await client.SyncedAsync();
        return await client.UserAsync(person);
    }

    private static async Task<List<SyncEvent>> EventsAsync(TestClient client, SyncRun run) =>
        [.. (await client.Syncs.ListSyncEventsAsync(new() { ClientId = client.Id, SyncRunId = run.Id })).Events];

    private static Task<ClientSync> SyncAsync(TestClient client) =>
        client.DbAsync(db => db.ClientSyncs.AsNoTracking().SingleAsync());

    private static Task<Guid> AskAsync(StoryClient client, World world) =>
        client.InTenantAsync(async scope =>
        {
            var db = scope.GetRequiredService<DirectoryDbContext>();
            await using var transaction = await db.BeginAsync(default);
            var run = new SyncRunRow
            {
                MspId = client.MspId,
                ClientId = client.ClientId,
                Person = world.Tenant.Users[0].Id.ToString(),
                Mode = SyncMode.Delta,
                State = SyncRunState.Queued,
                StartedAt = TimeProvider.System.GetUtcNow(),
            };
            db.SyncRuns.Add(run);
            await db.SaveChangesAsync();
            await transaction.CommitAsync();
            return run.Id;
        });

    private static Task<(int Active, long Version)> RosterAsync(StoryClient client) =>
        client.InTenantAsync(async scope =>
        {
            var db = scope.GetRequiredService<DirectoryDbContext>();
            await using var transaction = await db.BeginAsync(default);
            return (
                await db.Users.CountAsync(u => u.State == UserState.Active),
                await db.Clients.Select(c => c.RosterVersion).SingleAsync()
            );
        });
}
