using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Rollcall.Api.Directory.V1;
using Rollcall.Platform;
using Rollcall.Testing;

namespace Rollcall.DirectorySync.Tests;

public sealed class SyncTests(DirectoryFixture service)
{
    [Fact]
    public async Task FirstSync_GeneratedTenant_RosterIsTheDirectory()
    {
        var client = await service.ConnectedAsync(
            new
            {
                users = 450,
                groups = 12,
                seed = 7,
            }
        );

        await AssertRosterIsDirectoryAsync(client);
        Assert.True((await client.UsersAsync()).Count >= 450);
    }

    [Fact]
    public async Task FirstSync_BeyondASmallRound_EverybodyIsThere()
    {
        var client = await service.ConnectedAsync(
            new
            {
                users = 5200,
                groups = 30,
                seed = 7,
            }
        );

        Assert.True(await client.DbAsync(db => db.Users.CountAsync(u => u.State == UserState.Active)) > 4000);
        Assert.Equal(1, (await client.SyncedAsync(SyncMode.Full)).RosterVersion + await client.RosterVersionAsync());
    }

    [Fact]
    public async Task Sync_NothingChanged_WritesNoRosterRowAndNoEvent()
    {
        var client = await service.ConnectedAsync(
            new
            {
                users = 30,
                groups = 3,
                seed = 1,
            }
        );
        var (version, events) = (await client.RosterVersionAsync(), await EventsAsync(client));

        var run = await client.SyncedAsync();

        Assert.Equal(0, run.RosterVersion);
        Assert.Equal(version, await client.RosterVersionAsync());
        Assert.Equal(events, await EventsAsync(client));
    }

    [Fact]
    public async Task Sync_OthersSeeNothingOfIt_OnlyWhoChangedIsWritten()
    {
        var client = await service.ConnectedAsync();
        var (boss, clerk, other) = (
            await client.AddPersonAsync("boss"),
            await client.AddPersonAsync("clerk"),
            await client.AddPersonAsync("other")
        );
        await client.GraphAsync(HttpMethod.Put, $"users/{clerk}/manager", new { manager = boss });
        var group = await client.AddGroupAsync("staff", boss, clerk, other);
        await client.SyncedAsync();
        var before = await RevisionsAsync(client);

        await client.GraphAsync(HttpMethod.Patch, $"users/{clerk}", new { jobTitle = "Nurse" });
        await client.GraphAsync(HttpMethod.Patch, $"groups/{group}", new { displayName = "Everybody" });
        await client.SyncedAsync();

        var after = await RevisionsAsync(client);
        Assert.Equal([$"{clerk}"], after.Where(u => before[u.Key] != u.Value).Select(u => u.Key));

        // Who leaves is one report fewer, and a group that goes is one group fewer.
        await client.GraphAsync(HttpMethod.Delete, $"users/{clerk}");
        await client.SyncedAsync();
        Assert.Equal(0, (await client.UserAsync(boss)).DirectReports);
        await client.GraphAsync(HttpMethod.Delete, $"groups/{group}");
        await client.SyncedAsync();
        Assert.Empty((await client.UserAsync(other)).GroupIds);
        Assert.NotEqual(after[$"{other}"], (await RevisionsAsync(client))[$"{other}"]);
    }

    [Fact]
    public async Task Sync_RenamedMailbox_IsTheSamePerson()
    {
        var client = await service.ConnectedAsync();
        var person = await client.AddPersonAsync("ada");
        await client.SyncedAsync();
        var before = await client.UserAsync(person);

        await client.GraphAsync(
            HttpMethod.Patch,
            $"users/{person}",
            new { mail = "countess@new.example", userPrincipalName = "countess@new.example" }
        );
        await client.SyncedAsync();

        var after = await client.UserAsync(person);
        Assert.Equal(before.Id, after.Id);
        Assert.Equal("countess@new.example", after.Mail);
    }

    [Fact]
    public async Task Sync_LeaverDisabledDeletedRestored_FollowsAndKeepsTheRecord()
    {
        var client = await service.ConnectedAsync();
        var people = await client.AddPeopleAsync(3);
        await client.SyncedAsync();
        var id = (await client.UserAsync(people[0])).Id;

        await client.GraphAsync(HttpMethod.Post, $"users/{people[0]}/disable");
        await client.SyncedAsync();
        Assert.Equal(UserState.Disabled, (await client.UserAsync(people[0])).State);

        await client.GraphAsync(HttpMethod.Delete, $"users/{people[0]}");
        await client.SyncedAsync();
        Assert.Equal(UserState.Removed, (await client.UserAsync(people[0])).State);

        await client.GraphAsync(HttpMethod.Post, $"users/{people[0]}/restore");
        await client.GraphAsync(HttpMethod.Post, $"users/{people[0]}/enable");
        await client.SyncedAsync();
        var back = await client.UserAsync(people[0]);
        Assert.Equal((id, UserState.Active), (back.Id, back.State));
    }

    [Fact]
    public async Task Sync_NestedGroupWithCycle_GivesMembersTheOuterGroup()
    {
        var client = await service.ConnectedAsync();
        var person = await client.AddPersonAsync("ada");
        var inner = await client.AddGroupAsync("Inner", person);
        var outer = await client.AddGroupAsync("Outer");
        await client.SyncedAsync();

        await client.GraphAsync(HttpMethod.Put, $"groups/{outer}/members/{inner}");
        await client.GraphAsync(HttpMethod.Put, $"groups/{inner}/members/{outer}");
        await client.SyncedAsync();

        var groups = (await client.Roster.ListGroupsAsync(new() { ClientId = client.Id })).Groups;
        Assert.Equal(groups.Select(g => g.Id).Order(), (await client.UserAsync(person)).GroupIds.Order());
        await Eventually.HoldsAsync(() =>
            Assert.Contains(client.Published[^1].Users, u => u.ExternalId == $"{person}" && u.GroupIds.Count == 2)
        );
    }

    [Fact]
    public async Task Sync_Manager_CountsReportsAndTellsTheManager()
    {
        var client = await service.ConnectedAsync();
        var people = await client.AddPeopleAsync(2);
        await client.SyncedAsync();

        await client.GraphAsync(HttpMethod.Put, $"users/{people[1]}/manager", new { manager = people[0] });
        await client.SyncedAsync();

        var manager = await client.UserAsync(people[0]);
        Assert.Equal(1, manager.DirectReports);
        Assert.Equal(manager.Id, (await client.UserAsync(people[1])).ManagerId);
        await Eventually.HoldsAsync(() =>
            Assert.Contains(client.Published[^1].Users, u => u.Id == manager.Id && u.DirectReports == 1)
        );
    }

    [Fact]
    public async Task Sync_SameAddressTwice_EscrowsTheSecondUntilItChanges()
    {
        var client = await service.ConnectedAsync();
        var first = await client.AddPersonAsync("ada", new { mail = "same@x.example" });
        await client.SyncedAsync();
        var second = await client.AddPersonAsync("bob", new { mail = "same@x.example" });
        await client.SyncedAsync();
        Assert.Equal("", (await client.UserAsync(first)).EscrowReason);
        Assert.Equal("MAIL_DUPLICATE", (await client.UserAsync(second)).EscrowReason);

        await client.GraphAsync(HttpMethod.Patch, $"users/{first}", new { mail = "other@x.example" });
        await client.SyncedAsync();

        Assert.Equal("", (await client.UserAsync(second)).EscrowReason);
    }

    [Fact]
    public async Task Sync_DeadDeltaToken_ReadsEverythingAndMissesNobody()
    {
        var client = await service.ConnectedAsync();
        var people = await client.AddPeopleAsync(8);
        await client.SyncedAsync();
        await client.GraphAsync(HttpMethod.Delete, $"users/{people[0]}");
        await client.GraphAsync(HttpMethod.Post, $"users/{people[0]}/purge");
        await client.GraphAsync(HttpMethod.Post, "reset");

        await client.SyncAsync();

        await Eventually.HoldsAsync(async () =>
            Assert.Equal(UserState.Removed, (await client.UserAsync(people[0])).State)
        );
        await AssertRosterIsDirectoryAsync(client);
    }

    [Fact]
    public async Task Sync_LinksOfTheOtherStream_ReadsEverythingAndTakesNoGroupForAPerson()
    {
        var client = await service.ConnectedAsync(new { users = 8, groups = 3 });
        var people = await client.AddPeopleAsync(1);
        await client.AddGroupAsync("Board", people[0]);
        await client.SyncedAsync();
        var count = (await client.UsersAsync()).Count;
        await client.GraphAsync(HttpMethod.Patch, $"users/{people[0]}", new { department = "Sales" });
        await client.GraphAsync(
            HttpMethod.Patch,
            $"groups/{await client.AddGroupAsync("New")}",
            new { displayName = "N" }
        );
        await using var command = service
            .Services.GetRequiredService<WorkerDatabase>()
            .Source.CreateCommand(
                $"""
                update client_sync set users_cursor = groups_cursor, groups_cursor = users_cursor,
                  cursor_version = cursor_version + 1 where client_id = '{client.Id}'
                """
            );
        await command.ExecuteNonQueryAsync();

        await client.SyncAsync();

        await Eventually.HoldsAsync(async () => Assert.Equal("Sales", (await client.UserAsync(people[0])).Department));
        Assert.Equal(count, (await client.UsersAsync()).Count);
        await AssertRosterIsDirectoryAsync(client);
    }

    [Theory]
    [InlineData("truncate")]
    [InlineData("html502")]
    [InlineData("reset")]
    public async Task Sync_GarbagePage_LeavesRosterAndCursorAndRecovers(string fault)
    {
        var client = await service.ConnectedAsync();
        var people = await client.AddPeopleAsync(6);
        await client.SyncedAsync();
        var version = await client.RosterVersionAsync();
        await client.GraphAsync(HttpMethod.Patch, $"users/{people[0]}", new { department = "Sales" });
        await client.FaultAsync(new { kind = fault, path = "/v1.0/groups/delta*" });

        var run = await client.SyncAsync();

        Assert.Equal(SyncRunState.Failed, run.State);
        Assert.Equal(version, await client.RosterVersionAsync());
        Assert.Equal("", (await client.UserAsync(people[0])).Department);
        Assert.Equal(HealthState.Failing, (await client.HealthAsync()).State);

        await client.MendAsync();
        await client.SyncedAsync();
        Assert.Equal("Sales", (await client.UserAsync(people[0])).Department);
        await client.HealthyAsync();
    }

    [Fact]
    public async Task Sync_ConsentRevoked_SaysWhoMustActAndRemovesNobody()
    {
        var client = await service.ConnectedAsync();
        await client.AddPeopleAsync(4);
        await client.SyncedAsync();
        await client.GraphAsync(HttpMethod.Delete, "service-principal");
        await client.GraphAsync(HttpMethod.Post, "tokens/expire");

        await client.Connections.VerifyConnectionAsync(new() { ClientId = client.Id });

        var health = await client.HealthAsync();
        Assert.Equal((HealthState.ConsentRemoved, FixOwner.Client), (health.State, health.Owner));
        Assert.NotEmpty(health.Remedy);
        Assert.All(await client.UsersAsync(), u => Assert.Equal(UserState.Active, u.State));
        await Eventually.HoldsAsync(() =>
        {
            var told = service.Events.Of<SyncHealthChanged>(Guid.Parse(client.Id));
            Assert.Equal(HealthState.ConsentRemoved, told[^1].Health.State);
        });
    }

    /// <summary>The emulator's own state is the oracle: people, states and expanded groups.</summary>
    private static async Task AssertRosterIsDirectoryAsync(TestClient client)
    {
        var truth = await client.GraphAsync(HttpMethod.Get, "");
        var expected = truth
            .GetProperty("users")
            .EnumerateArray()
            .Where(u => u.GetProperty("state").GetString() == "active")
            .Select(u => u.GetProperty("id").GetString())
            .Order(StringComparer.Ordinal);

        var actual = (await client.UsersAsync())
            .Where(u => u.State is UserState.Active or UserState.Disabled)
            .Select(u => u.ExternalId)
            .Order(StringComparer.Ordinal);

        Assert.Equal(expected, actual);
    }

    private static Task<int> EventsAsync(TestClient client) => client.DbAsync(db => db.SyncEvents.CountAsync());

    private static async Task<Dictionary<string, long>> RevisionsAsync(TestClient client) =>
        (await client.UsersAsync()).ToDictionary(u => u.ExternalId, u => u.Revision);
}
