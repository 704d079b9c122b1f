using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Sync;
using Rollcall.Testing;

namespace Rollcall.DirectorySync.Tests;

public sealed class ApiTests(DirectoryFixture service)
{
    [Fact]
    public async Task CreateClient_SameRequestId_ReturnsTheFirst()
    {
        var client = await service.ClientAsync();
        var request = new CreateClientRequest { DisplayName = "Contoso", RequestId = $"{Guid.CreateVersion7()}" };

        var first = await client.Clients.CreateClientAsync(request);
        var second = await client.Clients.CreateClientAsync(request);

        Assert.Equal(first.Client.Id, second.Client.Id);
    }

    [Fact]
    public async Task CreateClient_NameTaken_SaysSo() =>
        await AssertReasonAsync(
            "CLIENT_EXISTS",
            async client => await client.Clients.CreateClientAsync(new() { DisplayName = "Fabrikam" })
        );

    [Fact]
    public async Task CreateClient_UnknownZone_NamesTheField() =>
        await AssertReasonAsync(
            "FIELD_INVALID",
            async client => await client.Clients.CreateClientAsync(new() { DisplayName = "X", TimeZone = "Mars/Base" })
        );

    [Fact]
    public async Task GetClient_MalformedId_NamesTheField() =>
        await AssertReasonAsync(
            "FIELD_INVALID",
            async client => await client.Clients.GetClientAsync(new() { ClientId = "not-a-uuid" })
        );

    [Fact]
    public async Task GetUser_UnknownUser_IsNotFound() =>
        await AssertReasonAsync(
            "USER_NOT_FOUND",
            async client =>
                await client.Roster.GetUserAsync(new() { ClientId = client.Id, UserId = $"{Guid.CreateVersion7()}" })
        );

    [Fact]
    public async Task StartSync_NotConnected_SaysSo() =>
        await AssertReasonAsync(
            "CONNECTION_MISSING",
            async client => await client.Syncs.StartSyncAsync(new() { ClientId = client.Id })
        );

    [Fact]
    public async Task ListUsers_TokenOfAnotherQuery_IsRefused()
    {
        var client = await service.ConnectedAsync(new { users = 5, seed = 3 });
        var page = await client.Roster.ListUsersAsync(new() { ClientId = client.Id, PageSize = 2 });

        var error = await Assert.ThrowsAsync<RpcException>(async () =>
            await client.Roster.ListUsersAsync(
                new()
                {
                    ClientId = client.Id,
                    Query = "a",
                    PageToken = page.NextPageToken,
                }
            )
        );

        Assert.Equal("FIELD_INVALID", TestClient.ReasonOf(error));
    }

    [Fact]
    public async Task ListUsers_Query_IsTheStartOfNameOrMailInAnyCase()
    {
        var client = await service.ConnectedAsync(new { users = 5, seed = 3 });
        var all = (await client.Roster.ListUsersAsync(new() { ClientId = client.Id })).Users;
        var one = all[0];

        foreach (var query in new[] { one.DisplayName.ToUpperInvariant(), one.Mail.ToUpperInvariant() })
        {
            var found = await client.Roster.ListUsersAsync(new() { ClientId = client.Id, Query = query });
            Assert.Equal([one.Id], found.Users.Select(u => u.Id));
        }

        // Not a pattern.
        Assert.Empty((await client.Roster.ListUsersAsync(new() { ClientId = client.Id, Query = "%" })).Users);
    }

    [Fact]
    public async Task AnyRpc_AnotherMspsClient_IsNotFound()
    {
        var (mine, theirs) = (await service.ClientAsync(), await service.ConnectedAsync(new { users = 3, seed = 2 }));

        var error = await Assert.ThrowsAsync<RpcException>(async () =>
            await mine.Roster.ListUsersAsync(new() { ClientId = theirs.Id })
        );

        Assert.Equal("CLIENT_NOT_FOUND", TestClient.ReasonOf(error));
    }

    [Fact]
    public async Task ListClients_TechnicianOfOneClient_SeesOnlyThatOne()
    {
        var client = await service.ClientAsync();
        await client.Clients.CreateClientAsync(new() { DisplayName = "Contoso" });
        var technician = service.Client<ClientService.ClientServiceClient>(
            TestTokens.Technician(client.MspId, Guid.Parse(client.Id))
        );

        var seen = await technician.ListClientsAsync(new());

        Assert.Equal(client.Id, Assert.Single(seen.Clients).Id);
    }

    [Fact]
    public async Task CreateMsp_MspAdmin_IsRefused()
    {
        var client = await service.ClientAsync();

        var error = await Assert.ThrowsAsync<RpcException>(async () =>
            await client.Clients.CreateMspAsync(new() { DisplayName = "Mine too" })
        );

        Assert.Equal((StatusCode.PermissionDenied, "ROLE_NOT_ALLOWED"), (error.StatusCode, TestClient.ReasonOf(error)));
    }

    [Fact]
    public async Task CompleteConsent_UsedState_IsRefused()
    {
        var client = await service.ClientAsync();
        var state = await client.BeginConsentAsync();
        await client.CompleteConsentAsync(state, directory: "", error: "permission_denied");

        var error = await Assert.ThrowsAsync<RpcException>(() =>
            client.CompleteConsentAsync(state, Guid.CreateVersion7().ToString())
        );

        Assert.Equal("CONSENT_STATE_INVALID", TestClient.ReasonOf(error));
        var connection = await client.Connections.GetConnectionAsync(new() { ClientId = client.Id });
        Assert.Equal(ConnectionState.Declined, connection.Connection.State);
    }

    [Fact]
    public async Task CompleteConsent_DirectoryOfAnotherClient_IsRefused()
    {
        var (first, second) = (await service.ConnectedAsync(), await service.ClientAsync());

        var error = await Assert.ThrowsAsync<RpcException>(async () =>
            await second.CompleteConsentAsync(await second.BeginConsentAsync(), first.Directory.ToString())
        );

        Assert.Equal("DIRECTORY_TAKEN", TestClient.ReasonOf(error));
    }

    [Fact]
    public async Task Complete_OlderFence_WritesNothing()
    {
        var client = await service.ConnectedAsync();
        var stale = await client.DbAsync(db => db.ClientSyncs.AsNoTracking().SingleAsync());
        await client.DbAsync(db => db.Database.ExecuteSqlAsync($"update client_sync set fence = fence + 1"));
        var lease = new SyncLease(
            client.MspId,
            Guid.Parse(client.Id),
            client.Directory,
            stale.Fence,
            stale.Every,
            0,
            null,
            stale.CursorVersion,
            null,
            RequestedFull: false
        );

        await Assert.ThrowsAsync<LeaseLostException>(() =>
            client.DbAsync(async db =>
            {
                await Leases.CompleteAsync(
                    (NpgsqlConnection)db.Database.GetDbConnection(),
                    lease,
                    "u",
                    "g",
                    TimeProvider.System.GetUtcNow(),
                    default
                );
                return true;
            })
        );

        var after = await client.DbAsync(db => db.ClientSyncs.AsNoTracking().SingleAsync());
        Assert.NotEqual("u", after.UsersCursor);
        Assert.Empty(await service.Services.GetRequiredService<Leases>().HeartbeatAsync([lease], default));
    }

    private async Task AssertReasonAsync(string reason, Func<TestClient, Task> call)
    {
        var client = await service.ClientAsync();

        var error = await Assert.ThrowsAsync<RpcException>(() => call(client));

        Assert.Equal(reason, TestClient.ReasonOf(error));
    }
}
