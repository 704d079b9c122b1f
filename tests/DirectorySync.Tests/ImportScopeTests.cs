using System.Text;
using Grpc.Core;
using Npgsql;
using Rollcall.Api.Directory.V1;
using Rollcall.Testing;

namespace Rollcall.DirectorySync.Tests;

public sealed class ImportScopeTests(DirectoryFixture service)
{
    [Fact]
    public async Task Update_BeforeTheFirstSync_NobodyOutsideHasANameAnywhere()
    {
        var client = await service.ClientAsync();
        var state = await client.BeginConsentAsync();
        await client.CreateDirectoryAsync();
        var (insider, outsider) = (await client.AddPersonAsync("insider"), await client.AddPersonAsync("outsider"));
        var inner = await client.AddGroupAsync("Inner", insider);
        var outer = await client.AddGroupAsync("Trained", inner);
        await client.AddGroupAsync("Secretgroup", outsider);
        var answer = await client.Connections.UpdateImportScopeAsync(
            new()
            {
                ClientId = client.Id,
                Scope = new()
                {
                    People = ImportedPeople.Members,
                    PeopleGroupIds = { $"{outer}" },
                    Groups = ImportedGroups.Named,
                    GroupIds = { $"{outer}" },
                },
            }
        );
        Assert.True(answer.Unverified);

        await client.CompleteConsentAsync(state, $"{client.Directory}");
        await client.HealthyAsync();
        await client.GraphAsync(HttpMethod.Patch, $"users/{outsider}", new { department = "Outsiderdept" });
        await client.SyncedAsync();
        await client.SyncedAsync(SyncMode.Full);

        Assert.Equal($"{insider}", Assert.Single(await client.UsersAsync()).ExternalId);
        var groups = (await client.Roster.ListGroupsAsync(new() { ClientId = client.Id })).Groups;
        Assert.Equal("Trained", Assert.Single(groups).DisplayName);
        Assert.Equal(groups[0].Id, Assert.Single((await client.UserAsync(insider)).GroupIds));
        await Eventually.HoldsAsync(() => Assert.Equal(1, client.Published[^1].OutsideImportCount));
        Assert.All(client.Published.SelectMany(p => p.Users), u => Assert.Equal([groups[0].Id], u.GroupIds));
        foreach (var word in new[] { $"outsider@{client.Directory:N}", "Outsiderdept", "Secretgroup" })
        {
            Assert.Empty(await TablesWithAsync(word));
            Assert.DoesNotContain(word, string.Concat(client.Published), StringComparison.OrdinalIgnoreCase);
        }

        // The search finds who is there.
        Assert.Contains("directory_user", await TablesWithAsync($"insider@{client.Directory:N}"));
        Assert.Contains("outside_user", await TablesWithAsync($"{outsider}"));
    }

    [Theory]
    [InlineData("IMPORT_GROUP_NOT_FOUND", "11111111-1111-4111-8111-111111111111", 0)]
    [InlineData("FIELD_INVALID", "Sales", 0)]
    [InlineData("FIELD_INVALID", "", 0)]
    [InlineData("IMPORT_SCOPE_STALE", "11111111-1111-4111-8111-111111111111", 7)]
    public async Task Update_WrongGroup_IsNamedAndChangesNothing(string reason, string group, long revision)
    {
        var client = await service.ConnectedAsync();
        var scope = new ImportScope { People = ImportedPeople.Members };
        scope.PeopleGroupIds.Add(group.Length > 0 ? [group] : []);

        var error = await Assert.ThrowsAsync<RpcException>(async () =>
            await client.Connections.UpdateImportScopeAsync(
                new()
                {
                    ClientId = client.Id,
                    Scope = scope,
                    Revision = revision,
                }
            )
        );

        Assert.Equal(reason, TestClient.ReasonOf(error));
        var after = await client.Connections.GetImportScopeAsync(new() { ClientId = client.Id });
        Assert.Equal((ImportedPeople.All, 0), (after.Scope.People, after.Revision));
    }

    [Fact]
    public async Task FirstSync_GroupNobodyCouldCheck_ImportsNobodyAndSaysSo()
    {
        var client = await service.ClientAsync();
        var state = await client.BeginConsentAsync();
        await client.CreateDirectoryAsync();
        await client.AddPeopleAsync(3);
        await client.Connections.UpdateImportScopeAsync(
            new()
            {
                ClientId = client.Id,
                Scope = new() { People = ImportedPeople.Members, PeopleGroupIds = { $"{Guid.CreateVersion7()}" } },
            }
        );

        await client.CompleteConsentAsync(state, $"{client.Directory}");

        await Eventually.HoldsAsync(async () =>
            Assert.Equal("IMPORT_GROUP_MISSING", (await client.HealthAsync()).ErrorCode)
        );
        Assert.Empty(await client.UsersAsync());
        var scope = await client.Connections.GetImportScopeAsync(new() { ClientId = client.Id });
        Assert.Equal((0, 3), (scope.ImportedPeople, scope.OutsidePeople));
    }

    [Fact]
    public async Task Update_DryRun_CountsAndChangesNothing()
    {
        var (client, people, group) = await GroupOfAsync(members: 4, others: 8);

        var answer = await client.Connections.UpdateImportScopeAsync(
            new()
            {
                ClientId = client.Id,
                Scope = new() { People = ImportedPeople.Members, PeopleGroupIds = { $"{group}" } },
                DryRun = true,
            }
        );
        await client.SyncedAsync(SyncMode.Full);

        Assert.Equal((0, 8, 4, 8), Counts(answer));
        Assert.Equal("MASS_REMOVAL_RUN", answer.BrakeReason);
        Assert.All(await client.UsersAsync(), u => Assert.Equal(UserState.Active, u.State));
        Assert.Equal(12, people.Count);
    }

    [Fact]
    public async Task Update_FewFallOut_LeaveWithTheirRecordAndTheReason()
    {
        var (client, people, group) = await GroupOfAsync(members: 9, others: 3);

        await client.ImportMembersAsync(group);

        var gone = await client.UserAsync(people[^1]);
        Assert.Equal((UserState.Removed, true), (gone.State, gone.OutsideImportScope));
        var told = await client.Syncs.ListSyncEventsAsync(new() { ClientId = client.Id, UserId = gone.Id });
        Assert.Equal("OUTSIDE_IMPORT_SCOPE", told.Events[0].ReasonCode);
        Assert.Equal(9, (await client.UsersAsync()).Count(u => u.State == UserState.Active));
        var scope = await client.Connections.GetImportScopeAsync(new() { ClientId = client.Id });
        Assert.Equal((9, 3), (scope.ImportedPeople, scope.OutsidePeople));

        // They have a record, so they are people of the roster in every reconciliation.
        await Eventually.HoldsAsync(() =>
        {
            Assert.Contains(client.Published[^1].Users, u => u.Id == gone.Id && u.OutsideImportScope);
            Assert.Equal(0, client.Published[^1].OutsideImportCount);
        });
    }

    [Fact]
    public async Task Update_ManyFallOut_AreKeptUntilApproved()
    {
        var (client, people, group) = await GroupOfAsync(members: 4, others: 8);
        await client.ImportMembersAsync(group);
        var staged = await client.Syncs.ListStagedRemovalsAsync(new() { ClientId = client.Id });
        Assert.Equal(8, staged.Removals.Count);

        // A change of one of them alone must not slip past the brake.
        await client.GraphAsync(HttpMethod.Patch, $"users/{people[^1]}", new { department = "Sales" });
        await client.SyncedAsync();
        var changed = await client.UserAsync(people[^1]);
        Assert.Equal((UserState.Active, true, "Sales"), (changed.State, changed.StagedForRemoval, changed.Department));

        // Back by membership alone: nobody waits for a decision any more.
        await client.GraphAsync(HttpMethod.Put, $"groups/{group}/members/{people[^2]}");
        await client.SyncedAsync();
        var back = await client.UserAsync(people[^2]);
        Assert.Equal((UserState.Active, false), (back.State, back.StagedForRemoval));

        staged = await client.Syncs.ListStagedRemovalsAsync(new() { ClientId = client.Id });
        Assert.Equal(7, staged.Removals.Count);
        await client.Syncs.ApproveStagedRemovalsAsync(
            new() { ClientId = client.Id, UserIds = { staged.Removals.Select(r => r.UserId) } }
        );
        Assert.True((await client.UserAsync(people[^1])).OutsideImportScope);
        await client.SyncedAsync(SyncMode.Full);
        Assert.Equal(5, (await client.UsersAsync()).Count(u => u.State == UserState.Active));
    }

    [Fact]
    public async Task Sync_DisabledWhileOutside_ComesBackDisabled()
    {
        var (client, people, group) = await GroupOfAsync(members: 4, others: 8);
        await client.ImportMembersAsync(group);
        await client.GraphAsync(HttpMethod.Patch, $"users/{people[^1]}", new { accountEnabled = false });
        await client.SyncedAsync();
        Assert.Equal(UserState.Active, (await client.UserAsync(people[^1])).State);

        await client.GraphAsync(HttpMethod.Put, $"groups/{group}/members/{people[^1]}");
        await client.SyncedAsync();

        var back = await client.UserAsync(people[^1]);
        Assert.Equal((UserState.Disabled, false), (back.State, back.StagedForRemoval));
    }

    [Fact]
    public async Task Reject_OutsidePerson_StaysThroughChangesAndFullRounds()
    {
        var (client, people, group) = await GroupOfAsync(members: 4, others: 8);
        await client.ImportMembersAsync(group);
        var staged = await client.Syncs.ListStagedRemovalsAsync(new() { ClientId = client.Id });
        await client.Syncs.RejectStagedRemovalsAsync(
            new()
            {
                ClientId = client.Id,
                UserIds = { staged.Removals.Select(r => r.UserId) },
                KeepUntilTime = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(
                    service.Clock.GetUtcNow().AddDays(30)
                ),
            }
        );

        await client.GraphAsync(HttpMethod.Patch, $"users/{people[^1]}", new { department = "Sales" });
        await client.SyncedAsync();
        await client.SyncedAsync(SyncMode.Full);

        Assert.All(
            await client.UsersAsync(),
            u => Assert.Equal((UserState.Active, false), (u.State, u.StagedForRemoval))
        );
    }

    [Theory]
    [InlineData("full")]
    [InlineData("minimal")]
    public async Task Sync_ComesInByMembership_IsReadWhole(string mode)
    {
        var (client, _, group) = await GroupOfAsync(members: 2, others: 0);
        await client.GraphAsync(HttpMethod.Patch, "settings", new { propertyMode = mode });
        await client.ImportMembersAsync(group);
        var boss = (await client.UsersAsync())[0];
        var late = await client.AddPersonAsync("late", new { department = "Sales", jobTitle = "Clerk" });
        await client.GraphAsync(HttpMethod.Put, $"users/{late}/manager", new { manager = boss.ExternalId });
        await client.SyncedAsync();
        Assert.Equal(2, (await client.UsersAsync()).Count);

        // Two things at once: the entry tells of the title only.
        await client.GraphAsync(HttpMethod.Patch, $"users/{late}", new { jobTitle = "Nurse" });
        await client.GraphAsync(HttpMethod.Put, $"groups/{group}/members/{late}");
        var run = await client.SyncedAsync();

        var user = await client.UserAsync(late);
        Assert.Equal(
            ("late", "Sales", "Nurse", boss.Id),
            (user.DisplayName, user.Department, user.JobTitle, user.ManagerId)
        );
        Assert.Single(user.GroupIds);
        Assert.Equal((SyncMode.Delta, 1), (run.Mode, run.Added));
    }

    [Fact]
    public async Task Sync_GoesOutAndComesBack_IsTheSamePersonAsItIsNow()
    {
        var (client, people, group) = await GroupOfAsync(members: 8, others: 0);
        await client.GraphAsync(HttpMethod.Patch, "settings", new { propertyMode = "minimal" });
        await client.ImportMembersAsync(group);
        var before = await client.UserAsync(people[0]);
        await client.GraphAsync(HttpMethod.Delete, $"groups/{group}/members/{people[0]}");
        await client.SyncedAsync();
        Assert.True((await client.UserAsync(people[0])).OutsideImportScope);
        await client.GraphAsync(HttpMethod.Patch, $"users/{people[0]}", new { department = "Sales" });
        await client.SyncedAsync();
        Assert.Equal("", (await client.UserAsync(people[0])).Department);

        await client.GraphAsync(HttpMethod.Put, $"groups/{group}/members/{people[0]}");
        await client.SyncedAsync();

        var after = await client.UserAsync(people[0]);
        Assert.Equal((before.Id, UserState.Active, false), (after.Id, after.State, after.OutsideImportScope));
        Assert.Equal("Sales", after.Department);
    }

    [Fact]
    public async Task Person_Outside_IsNotTakenOverAndTheRunSaysSo()
    {
        var (client, _, group) = await GroupOfAsync(members: 2, others: 0);
        await client.ImportMembersAsync(group);
        var outsider = await client.AddPersonAsync("outsider");

        var name = $"outsider@{client.Directory:N}.example";
        var run = (await client.Syncs.StartSyncAsync(new() { ClientId = client.Id, Person = name })).Run;

        await Eventually.HoldsAsync(async () =>
        {
            run = (await client.Syncs.GetSyncRunAsync(new() { ClientId = client.Id, SyncRunId = run.Id })).Run;
            Assert.Equal(SyncRunState.Succeeded, run.State);
        });
        Assert.Equal(("PERSON_OUTSIDE_IMPORT_SCOPE", $"{outsider}"), (run.ErrorCode, run.Person));
        Assert.Empty(await TablesWithAsync(name));
        Assert.Equal(2, (await client.UsersAsync()).Count);
    }

    [Fact]
    public async Task Sync_NewcomerCannotBeRead_ChangesNothingAndIsReadLater()
    {
        var (client, _, group) = await GroupOfAsync(members: 2, others: 0);
        await client.ImportMembersAsync(group);
        var late = await client.AddPersonAsync("late");
        await client.SyncedAsync();
        var version = await client.RosterVersionAsync();
        await client.GraphAsync(HttpMethod.Put, $"groups/{group}/members/{late}");
        await client.FaultAsync(
            new
            {
                kind = "status",
                status = 503,
                retryAfter = 0,
                path = $"/v1.0/users/{late}",
            }
        );

        var failed = await client.SyncAsync();

        Assert.Equal(SyncRunState.Failed, failed.State);
        Assert.Equal(version, await client.RosterVersionAsync());
        await client.MendAsync();
        await client.SyncedAsync();
        Assert.Equal(UserState.Active, (await client.UserAsync(late)).State);
    }

    private static (long In, long Out, long Imported, long Outside) Counts(UpdateImportScopeResponse r) =>
        (r.PeopleComingIn, r.PeopleGoingOut, r.PeopleImported, r.PeopleOutside);

    private async Task<(TestClient Client, List<Guid> People, Guid Group)> GroupOfAsync(int members, int others)
    {
        var client = await service.ConnectedAsync();
        var people = await client.AddPeopleAsync(members + others);
        var group = await client.AddGroupAsync("Trained", [.. people.Take(members)]);
        await client.SyncedAsync();
        return (client, people, group);
    }

    /// <summary>Tables with the word in any column of any row, bytes included.</summary>
    private async Task<List<string>> TablesWithAsync(string word)
    {
        var owner = new NpgsqlConnectionStringBuilder(TestServers.Postgres) { Database = service.DatabaseName };
        await using var source = NpgsqlDataSource.Create(owner.ConnectionString);
        List<string> tables = [];
        await using (
            var list = source.CreateCommand(
                "select c.oid::regclass::text from pg_class c where relkind = 'r' and relnamespace = 'public'::regnamespace"
            )
        )
        await using (var reader = await list.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync())
            {
                tables.Add(reader.GetString(0));
            }
        }

        var bytes = Convert.ToHexString(Encoding.UTF8.GetBytes(word));
        List<string> found = [];
        foreach (var table in tables)
        {
            await using var search = source.CreateCommand(
                $"select exists (select 1 from {table} t where t::text ilike '%{word}%' or t::text ilike '%{bytes}%')"
            );
            if ((bool)(await search.ExecuteScalarAsync())!)
            {
                found.Add(table);
            }
        }

        return found;
    }
}
