using System.Web;
using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Data;
using Rollcall.Testing;

namespace Rollcall.DirectorySync.Tests;

public sealed class MailboxTests(DirectoryFixture service)
{
    private const string Permission = "MailboxSettings.Read";

    [Fact]
    public async Task Sync_PermissionGranted_PurposesBecomeKindsWithEvidence()
    {
        var client = await ClientAsync(granted: true);
        var person = await AddAsync(client, "ada", "user");
        var shared = await AddAsync(client, "office", "shared");
        var room = await AddAsync(client, "atrium", "room");
        var none = await AddAsync(client, "onprem", purpose: null);
        var run = await client.SyncedAsync();
        Assert.Equal(4, run.Added);

        await ReadAsync(client, 4);

        var office = await client.UserAsync(shared);
        Assert.Equal((AccountKind.SharedMailbox, "mailbox purpose: shared"), (office.Kind, office.KindEvidence));
        Assert.Equal(AccountKind.Resource, (await client.UserAsync(room)).Kind);
        Assert.Equal(AccountKind.Person, (await client.UserAsync(person)).Kind);
        Assert.Equal("none", (await RowsAsync(client)).Single(r => r.ObjectId == none).MailboxPurpose);
        await Eventually.HoldsAsync(() =>
            Assert.Contains(client.Published[^1].Users, u => u.Id == office.Id && u.Kind == AccountKind.SharedMailbox)
        );

        // A person whose mailbox is a person's changes nothing for anybody.
        Assert.DoesNotContain(client.Published[^1].Users, u => u.ExternalId == $"{person}");
        await client.SyncedAsync(SyncMode.Full);
        Assert.Equal(AccountKind.SharedMailbox, (await client.UserAsync(shared)).Kind);
    }

    [Fact]
    public async Task Sync_PermissionNotGranted_AsksNothing()
    {
        var client = await ClientAsync(granted: false);
        await AddAsync(client, "office", "shared");
        await client.SyncedAsync();
        await client.SyncedAsync();

        // Beside a client that is asked at the same time, so that it had its chance.
        var other = await ClientAsync(granted: true);
        await AddAsync(other, "office", "shared");
        await other.SyncedAsync();
        await ReadAsync(other, 1);

        Assert.All(await RowsAsync(client), r => Assert.Null(r.MailboxReadAt));
        Assert.All(await client.UsersAsync(), u => Assert.Equal(AccountKind.Person, u.Kind));
    }

    [Fact]
    public async Task Sync_SingleMailboxesFail_OthersAreReadAndTheSyncStandsAsItWas()
    {
        var client = await ClientAsync(granted: true);
        var blocked = await AddAsync(client, "blocked", "shared");
        await client.GraphAsync(
            HttpMethod.Put,
            $"users/{blocked}/mailbox",
            new { mailboxPurpose = "shared", mailboxBlocked = true }
        );
        var busy = await AddAsync(client, "busy", "shared");
        var shared = await AddAsync(client, "office", "shared");
        await client.FaultAsync(new { kind = "throttle", path = $"/v1.0/users/{busy}/mailboxSettings*" });

        var run = await client.SyncedAsync();
        await ReadAsync(client, 2);

        Assert.Equal((SyncRunState.Succeeded, 3), (run.State, run.Added));
        Assert.Equal(AccountKind.SharedMailbox, (await client.UserAsync(shared)).Kind);
        Assert.Equal(AccountKind.Person, (await client.UserAsync(busy)).Kind);
        Assert.Equal(HealthState.Healthy, (await client.HealthAsync()).State);
        var rows = (await RowsAsync(client)).ToDictionary(r => r.ObjectId!.Value);
        Assert.Equal(("none", null), (rows[blocked].MailboxPurpose, rows[busy].MailboxPurpose));
        Assert.True(rows[busy].MailboxDueAt < rows[blocked].MailboxDueAt);
        Assert.True(rows[blocked].MailboxDueAt < rows[shared].MailboxDueAt);
    }

    [Fact]
    public async Task Sync_ManyStopBeingPeople_AreHeldUntilSomebodyDecides()
    {
        var client = await ClientAsync(granted: true);
        for (var i = 0; i < 6; i++)
        {
            await AddAsync(client, $"office{i}", "shared");
        }

        await client.AddPeopleAsync(4);
        await client.SyncedAsync();
        await ReadAsync(client, 10);

        Assert.All(await client.UsersAsync(), u => Assert.Equal(AccountKind.Person, u.Kind));
        var held = (
            await client.Roster.ListUsersAsync(new() { ClientId = client.Id, UnconfirmedKind = true })
        ).Users.ToList();
        Assert.Equal(6, held.Count);
        Assert.All(held, u => Assert.Equal(AccountKind.SharedMailbox, u.SuggestedKind));
        var cleared = await client.Roster.ClearAccountKindAsync(new() { ClientId = client.Id, UserId = held[0].Id });
        Assert.Equal(AccountKind.SharedMailbox, cleared.User.Kind);
    }

    [Fact]
    public async Task Sync_BatchThrottledAsAWhole_IsSentAgain()
    {
        var client = await ClientAsync(granted: true);
        var shared = await AddAsync(client, "office", "shared");
        await client.FaultAsync(
            new
            {
                kind = "throttle",
                path = "/v1.0/$batch",
                retryAfter = 0,
                times = 1,
            }
        );

        await client.SyncedAsync();
        await ReadAsync(client, 1);

        Assert.Equal(AccountKind.SharedMailbox, (await client.UserAsync(shared)).Kind);
    }

    [Fact]
    public async Task Sync_MoreThanABatch_AllAreRead()
    {
        var client = await ClientAsync(granted: true);
        await client.AddPeopleAsync(45);
        await client.SyncedAsync();

        await ReadAsync(client, 45);
    }

    [Fact]
    public async Task Sync_LicenceTakenAway_MailboxIsReadAgain()
    {
        var client = await ClientAsync(granted: true);
        var account = await AddAsync(client, "office", "user");
        await client.SyncedAsync();
        await ReadAsync(client, 1);
        await client.GraphAsync(HttpMethod.Put, $"users/{account}/mailbox", new { mailboxPurpose = "shared" });

        // Nothing the directory tells of: read again only after weeks.
        var due = (await RowsAsync(client)).Single().MailboxDueAt;
        await client.SyncedAsync(SyncMode.Full);
        await client.GraphAsync(HttpMethod.Patch, $"users/{account}", new { department = "Sales" });
        await client.SyncedAsync();
        Assert.NotNull(due);
        Assert.Equal(due, (await RowsAsync(client)).Single().MailboxDueAt);
        Assert.Equal(AccountKind.Person, (await client.UserAsync(account)).Kind);
        await client.GraphAsync(
            HttpMethod.Patch,
            $"users/{account}",
            new { assignedLicenses = new[] { new { skuId = "x" } } }
        );
        await client.SyncedAsync();

        await Eventually.HoldsAsync(async () =>
            Assert.Equal(AccountKind.SharedMailbox, (await client.UserAsync(account)).Kind)
        );
    }

    [Fact]
    public async Task BeginConsent_OptionalOfAConnectedClient_AsksAndKeepsTheConnection()
    {
        var client = await service.ConnectedAsync();

        var consent = await client.Connections.BeginConsentAsync(
            new() { ClientId = client.Id, OptionalPermissions = true }
        );

        var query = HttpUtility.ParseQueryString(new Uri(consent.ConsentUrl).Query);
        Assert.Contains(Permission, query["scope"], StringComparison.Ordinal);
        Assert.Contains(consent.Permissions, p => p.StartsWith(Permission, StringComparison.Ordinal));
        await client.CompleteConsentAsync(query["state"]!, $"{client.Directory}", "access_denied");
        Assert.Equal(ConnectionState.Connected, await StateAsync());

        consent = await client.Connections.BeginConsentAsync(
            new() { ClientId = client.Id, OptionalPermissions = true }
        );
        await client.GraphAsync(HttpMethod.Put, $"permissions/{Permission}");
        query = HttpUtility.ParseQueryString(new Uri(consent.ConsentUrl).Query);
        Assert.True((await client.CompleteConsentAsync(query["state"]!, $"{client.Directory}")).Connected);
        var connection = await client.Connections.GetConnectionAsync(new() { ClientId = client.Id });
        Assert.Contains(Permission, connection.Connection.GrantedPermissions);

        async Task<ConnectionState> StateAsync() =>
            (await client.Connections.GetConnectionAsync(new() { ClientId = client.Id })).Connection.State;
    }

    private async Task<TestClient> ClientAsync(bool granted)
    {
        var client = await service.ConnectedAsync();
        if (granted)
        {
            await client.GraphAsync(HttpMethod.Put, $"permissions/{Permission}");
            await client.Connections.VerifyConnectionAsync(new() { ClientId = client.Id });

            // Verifying makes a sync due, which would take some of the people a test is about to add.
            await client.SyncedAsync();
        }

        return client;
    }

    private static async Task<Guid> AddAsync(TestClient client, string name, string? purpose)
    {
        var account = await client.AddPersonAsync(name);
        await client.GraphAsync(HttpMethod.Put, $"users/{account}/mailbox", new { mailboxPurpose = purpose });
        return account;
    }

    private static Task ReadAsync(TestClient client, int count) =>
        Eventually.HoldsAsync(async () =>
            Assert.Equal(count, (await RowsAsync(client)).Count(r => r.MailboxReadAt != null))
        );

    private static Task<List<DirectoryUser>> RowsAsync(TestClient client) =>
        client.DbAsync(db => db.Users.AsNoTracking().Where(u => u.ClientId == Guid.Parse(client.Id)).ToListAsync());
}
