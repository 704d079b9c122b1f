using System.Text;
using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Graph;
using Rollcall.DirectorySync.Trail;

namespace Rollcall.DirectorySync.Tests;

public sealed class EscrowTests(DirectoryFixture service)
{
    [Theory]
    [InlineData(0, 6)]
    [InlineData(1, 12)]
    [InlineData(2, 24)]
    [InlineData(1000, 24)]
    public void DelayAfter_GrowsToADayAndNeverStops(int attempts, int hours) =>
        Assert.Equal(TimeSpan.FromHours(hours), EscrowRules.DelayAfter(attempts));

    [Fact]
    public void Users_ValueThatIsNone_IsKeptApartAndTheRestIsRead()
    {
        var page = """
            {"value":[{"id":"6f0b1a52-0000-4000-8000-000000000002","employeeHireDate":"31.31.2026","department":"Sales",
               "jobTitle":7,"manager@delta":[{"id":"nobody"}]},
              {"id":"6f0b1a52-0000-4000-8000-000000000003","displayName":"Bob"}],"@odata.deltaLink":"l"}
            """;

        var entries = GraphPage.Users(Encoding.UTF8.GetBytes(page)).ToList();

        Assert.Equal("Sales", entries[0].Patch["department"]);
        Assert.False(entries[0].Patch.Has(EntraProperties.IndexOf("jobTitle")));
        Assert.False(entries[0].ManagerChanged);
        Assert.Equal(
            [("employeeHireDate", "31.31.2026"), ("jobTitle", "7"), ("manager", "a link without an object id")],
            entries[0].Patch.Invalid.OrderBy(i => i.Name, StringComparer.Ordinal)
        );
        Assert.Equal("Bob", entries[1].Patch["displayName"]);
        var stored = PropertySet.FromJson(entries[0].Patch.ToJson());
        Assert.True(stored.IsSame(entries[0].Patch));
    }

    [Fact]
    public async Task Sync_DateThatIsNone_EscrowsThatPersonAloneUntilItIsMended()
    {
        var client = await service.ConnectedAsync();
        var bad = await client.AddPersonAsync("ada", new { employeeHireDate = "31.31.2026" });
        var good = await client.AddPersonAsync("bob");
        var run = await client.SyncedAsync();

        Assert.Equal(
            ("INVALID_DATA", ""),
            ((await client.UserAsync(bad)).EscrowReason, (await client.UserAsync(good)).EscrowReason)
        );
        var shown = Assert.Single(await ListAsync(client));
        Assert.Equal((bad.ToString(), "ada", FixOwner.Client), (shown.ExternalId, shown.DisplayName, shown.Owner));
        Assert.Contains("employeeHireDate cannot be \"31.31.2026\"", shown.Problem, StringComparison.Ordinal);
        Assert.NotEmpty(shown.Remedy);
        Assert.Equal(TimeSpan.FromHours(6), (shown.NextRetryTime - shown.FirstSeenTime).ToTimeSpan());
        Assert.Equal("ENTRIES_ESCROWED", (await client.HealthAsync()).ErrorCode);
        var told = Assert.Single(await EventsAsync(client, new() { SyncRunId = run.Id, Status = SyncStatus.Failed }));
        Assert.Equal((SyncAction.Added, "INVALID_DATA"), (told.Action, told.ReasonCode));

        await client.GraphAsync(HttpMethod.Patch, $"users/{bad}", new { employeeHireDate = "2026-02-01T00:00:00Z" });
        run = await client.SyncedAsync();

        Assert.Empty(await ListAsync(client));
        Assert.Equal("", (await client.UserAsync(bad)).EscrowReason);
        Assert.Equal(HealthState.Healthy, (await client.HealthAsync()).State);
        told = Assert.Single(await EventsAsync(client, new() { SyncRunId = run.Id }));
        Assert.Equal((SyncStatus.Done, "RELEASED"), (told.Status, told.ReasonCode));
    }

    [Fact]
    public async Task Sync_PatchWithABadValue_KeepsTheLastGoodOneAndTakesTheRest()
    {
        var client = await service.ConnectedAsync();
        var person = await client.AddPersonAsync("ada", new { department = "Sales" });
        await client.SyncedAsync();
        await client.GraphAsync(HttpMethod.Patch, $"users/{person}", new { department = 7, jobTitle = "Boss" });
        await client.SyncedAsync();

        var user = await client.UserAsync(person);
        Assert.Equal(("Sales", "Boss", "INVALID_DATA"), (user.Department, user.JobTitle, user.EscrowReason));

        // Another change of the same person is not the mending.
        await client.GraphAsync(HttpMethod.Patch, $"users/{person}", new { jobTitle = "Chief" });
        await client.SyncedAsync();
        user = await client.UserAsync(person);
        Assert.Equal(("Chief", "INVALID_DATA"), (user.JobTitle, user.EscrowReason));
    }

    [Fact]
    public async Task Sync_StillBad_IsReadAgainAfterGrowingTimes()
    {
        var client = await service.ConnectedAsync();
        await client.AddPersonAsync("ada", new { mail = "" });
        await client.SyncedAsync();
        var now = service.Clock.GetUtcNow();
        List<(int, double)> waits = [await WaitAsync()];

        for (var i = 0; i < 4; i++)
        {
            await MakeDueAsync(client);
            var run = await client.SyncedAsync();
            Assert.Empty(await EventsAsync(client, new() { SyncRunId = run.Id }));
            waits.Add(await WaitAsync());
        }

        Assert.Equal([(0, 6), (1, 12), (2, 24), (3, 24), (4, 24)], waits);

        async Task<(int, double)> WaitAsync()
        {
            var shown = Assert.Single(await ListAsync(client));
            Assert.Equal("MAIL_MISSING", shown.ReasonCode);
            return (shown.Attempts, (shown.NextRetryTime.ToDateTimeOffset() - now).TotalHours);
        }
    }

    [Fact]
    public async Task Sync_MendedWithoutAWord_IsReleasedByTheRetry()
    {
        var client = await service.ConnectedAsync();
        var person = await client.AddPersonAsync("ada", new { department = "Marketing" });
        await client.AddPersonAsync("bob", new { mail = "" });
        await client.SyncedAsync();
        await SpoilAsync(client, person);
        Assert.Equal(2, (await ListAsync(client)).Count);

        await MakeDueAsync(client);
        await client.SyncedAsync();

        Assert.Equal("bob", Assert.Single(await ListAsync(client)).DisplayName);
        Assert.Equal("Marketing", (await client.UserAsync(person)).Department);
    }

    [Fact]
    public async Task Sync_RetryThatFails_HoldsUpNobody()
    {
        var client = await service.ConnectedAsync();
        var bad = await client.AddPersonAsync("ada", new { mail = "" });
        await client.SyncedAsync();
        var other = await client.AddPersonAsync("bob");
        await MakeDueAsync(client);
        await client.FaultAsync(new { kind = "html502", path = $"/v1.0/users/{bad}*" });

        await client.SyncedAsync();

        Assert.Equal(UserState.Active, (await client.UserAsync(other)).State);
        Assert.Equal(1, Assert.Single(await ListAsync(client)).Attempts);
    }

    [Fact]
    public async Task Sync_SameAddressInAFirstRound_EscrowsAllButOne()
    {
        var client = await service.ConnectedAsync();
        foreach (var name in new[] { "ada", "bob", "cleo" })
        {
            await client.AddPersonAsync(name, new { mail = "same@x.example" });
        }

        await client.AddPersonAsync("dan");
        await client.SyncedAsync();

        var shown = await ListAsync(client);

        Assert.Equal(["MAIL_DUPLICATE", "MAIL_DUPLICATE"], shown.Select(e => e.ReasonCode));
    }

    [Fact]
    public async Task Sync_SameAddress_NamesWhoHasIt()
    {
        var client = await service.ConnectedAsync();
        await client.AddPersonAsync("ada", new { mail = "same@x.example" });
        await client.SyncedAsync();
        await client.AddPersonAsync("bob", new { mail = "same@x.example" });
        await client.SyncedAsync();

        var shown = Assert.Single(await ListAsync(client));

        Assert.Equal(("bob", "MAIL_DUPLICATE"), (shown.DisplayName, shown.ReasonCode));
        Assert.Equal("The address same@x.example belongs to ada already.", shown.Problem);
    }

    [Fact]
    public async Task Sync_SameAddress_StaysWithTheFirstUntilItIsGivenUp()
    {
        var client = await service.ConnectedAsync();
        var first = await client.AddPersonAsync("ada", new { mail = "same@x.example" });
        await client.SyncedAsync();
        var second = await client.AddPersonAsync(
            "bob",
            new { mail = "same@x.example", employeeHireDate = "31.31.2026" }
        );
        await client.SyncedAsync();
        Assert.Equal("INVALID_DATA", Assert.Single(await ListAsync(client)).ReasonCode);

        await PatchAsync(second, new { employeeHireDate = "2026-02-01T00:00:00Z" });
        Assert.Equal("MAIL_DUPLICATE", Assert.Single(await ListAsync(client)).ReasonCode);
        await PatchAsync(second, new { department = "Sales" });
        Assert.Equal("MAIL_DUPLICATE", Assert.Single(await ListAsync(client)).ReasonCode);
        await PatchAsync(first, new { mail = "ada@x.example" });
        Assert.Empty(await ListAsync(client));

        async Task PatchAsync(Guid person, object change)
        {
            await client.GraphAsync(HttpMethod.Patch, $"users/{person}", change);
            await client.SyncedAsync();
        }
    }

    [Fact]
    public async Task Sync_GroupWithABadValue_IsEscrowedUntilAFullReadFindsItWell()
    {
        var client = await service.ConnectedAsync();
        var person = await client.AddPersonAsync("ada");
        var group = await client.AddGroupAsync("Staff", person);
        await client.SyncedAsync();
        await client.GraphAsync(HttpMethod.Patch, $"groups/{group}", new { displayName = 7 });
        await client.SyncedAsync();
        var shown = Assert.Single(await ListAsync(client));
        Assert.Equal(("Staff", "INVALID_DATA"), (shown.DisplayName, shown.ReasonCode));

        await client.GraphAsync(HttpMethod.Patch, $"groups/{group}", new { displayName = "Everybody" });
        await MakeDueAsync(client);
        var run = await client.SyncedAsync();

        Assert.Empty(await ListAsync(client));
        var told = Assert.Single(await EventsAsync(client, new() { SyncRunId = run.Id }));
        Assert.Equal((shown.GroupId, SyncStatus.Done), (told.GroupId, told.Status));
        Assert.Equal(UserState.Active, (await client.UserAsync(person)).State);
    }

    private static async Task<List<EscrowedObject>> ListAsync(TestClient client) =>
        [.. (await client.Syncs.ListEscrowedAsync(new() { ClientId = client.Id })).Objects];

    private static async Task<List<SyncEvent>> EventsAsync(TestClient client, ListSyncEventsRequest request)
    {
        request.ClientId = client.Id;
        return [.. (await client.Syncs.ListSyncEventsAsync(request)).Events];
    }

    private Task<int> MakeDueAsync(TestClient client) =>
        client.DbAsync(async db =>
        {
            var due = service.Clock.GetUtcNow().AddMinutes(-1);
            await db.Escrows.ExecuteUpdateAsync(e => e.SetProperty(x => x.NextRetryAt, due));
            return await db.ClientSyncs.ExecuteUpdateAsync(s => s.SetProperty(x => x.EscrowDueAt, due));
        });

    /// <summary>Escrowed here for what the directory does not say any more, and its stream never told.</summary>
    private static Task<int> SpoilAsync(TestClient client, Guid person) =>
        client.DbAsync(db =>
            db.Database.ExecuteSqlAsync(
                $$"""
                update directory_user set escrow_reason = 'INVALID_DATA',
                  properties = (properties::jsonb || '{"department": "Sales", "invalid:department": "7"}')::text
                where object_id = {{person}};
                insert into escrow (msp_id, client_id, subject_id, is_group, object_id, source, reason, first_seen_at, attempts, next_retry_at)
                select msp_id, client_id, user_id, false, object_id, 1, 'INVALID_DATA', now(), 0, now() from directory_user
                where object_id = {{person}}
                """
            )
        );
}
