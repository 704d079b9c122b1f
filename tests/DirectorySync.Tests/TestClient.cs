using System.Text.Json;
using System.Web;
using Google.Rpc;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Data;
using Rollcall.Platform;
using Rollcall.Testing;

namespace Rollcall.DirectorySync.Tests;

/// <summary>A client of an MSP of its own, with the clients of the API that its administrator uses.</summary>
public sealed class TestClient(DirectoryFixture service, Guid mspId, Guid clientId)
{
    public Guid MspId => mspId;
    public string Id => clientId.ToString();
    public Guid Directory { get; private set; }

    public ClientService.ClientServiceClient Clients => service.Client<ClientService.ClientServiceClient>(Admin);
    public ConnectionService.ConnectionServiceClient Connections =>
        service.Client<ConnectionService.ConnectionServiceClient>(Admin);
    public SyncService.SyncServiceClient Syncs => service.Client<SyncService.SyncServiceClient>(Admin);
    public RosterService.RosterServiceClient Roster => service.Client<RosterService.RosterServiceClient>(Admin);

    private string Admin => TestTokens.MspAdmin(mspId);

    public async Task ConnectAsync(object? tenant = null)
    {
        await CreateDirectoryAsync(tenant);
        var answer = await CompleteConsentAsync(await BeginConsentAsync(), Directory.ToString());
        Assert.True(answer.Connected, answer.Problem);
        await HealthyAsync();
    }

    /// <summary>A tenant of the emulator whose administrator has consented, unknown to the service yet.</summary>
    public async Task CreateDirectoryAsync(object? tenant = null)
    {
        var created = await service.Graph.SendAsync(HttpMethod.Post, "tenants", tenant ?? new { });
        Directory = created.GetProperty("id").GetGuid();
        await service.Graph.SendAsync(HttpMethod.Post, $"tenants/{Directory}/consent");
    }

    public Task HealthyAsync() =>
        Eventually.HoldsAsync(async () => Assert.Equal(HealthState.Healthy, (await HealthAsync()).State));

    /// <summary>The state parameter of a new consent link.</summary>
    public async Task<string> BeginConsentAsync()
    {
        var consent = await Connections.BeginConsentAsync(new() { ClientId = Id });
        return HttpUtility.ParseQueryString(new Uri(consent.ConsentUrl).Query)["state"]!;
    }

    public async Task<CompleteConsentResponse> CompleteConsentAsync(
        string state,
        string directory,
        string error = ""
    ) =>
        await service
            .Client<ConnectionService.ConnectionServiceClient>(TestTokens.Service("edge"))
            .CompleteConsentAsync(
                new()
                {
                    State = state,
                    TenantId = directory,
                    Error = error,
                },
                deadline: TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(30)
            );

    /// <summary>Asks for a sync and waits for its end, whatever it is.</summary>
    public async Task<SyncRun> SyncAsync(SyncMode mode = SyncMode.Delta, bool full = false)
    {
        var run = (
            await Syncs.StartSyncAsync(
                new()
                {
                    ClientId = Id,
                    Mode = mode,
                    DryRunFull = full,
                }
            )
        ).Run;
        using var watch = Syncs.WatchSyncRun(new() { ClientId = Id, SyncRunId = run.Id });
        await foreach (var state in watch.ResponseStream.ReadAllAsync())
        {
            run = state.Run;
        }

        return run;
    }

    public async Task<SyncRun> SyncedAsync(SyncMode mode = SyncMode.Delta)
    {
        var run = await SyncAsync(mode);
        Assert.True(run.State == SyncRunState.Succeeded, $"{run.ErrorCode} {run.Problem}");
        return run;
    }

    public async Task<SyncHealth> HealthAsync() => (await Syncs.GetSyncHealthAsync(new() { ClientId = Id })).Health;

    public async Task<List<User>> UsersAsync()
    {
        List<User> users = [];
        var request = new ListUsersRequest { ClientId = Id, PageSize = 500 };
        do
        {
            var page = await Roster.ListUsersAsync(request);
            users.AddRange(page.Users);
            request.PageToken = page.NextPageToken;
        } while (request.PageToken.Length > 0);

        return users;
    }

    public async Task<User> UserAsync(Guid objectId) =>
        Assert.Single(await UsersAsync(), u => u.ExternalId == objectId.ToString());

    /// <summary>Adds a licensed employee to the directory.</summary>
    public async Task<Guid> AddPersonAsync(string name, object? more = null)
    {
        var user = JsonSerializer.SerializeToNode(more ?? new { })!.AsObject();
        user["displayName"] ??= name;
        user["surname"] ??= name;
        user["userPrincipalName"] ??= $"{name}@{Directory:N}.example";
        user["mail"] ??= $"{name}@{Directory:N}.example";
        var created = await service.Graph.SendAsync(HttpMethod.Post, $"tenants/{Directory}/users", user);
        return created.GetProperty("id").GetGuid();
    }

    public async Task<List<Guid>> AddPeopleAsync(int count)
    {
        List<Guid> people = [];
        for (var i = 0; i < count; i++)
        {
            people.Add(await AddPersonAsync($"person{i}"));
        }

        return people;
    }

    /// <summary>Imports the members of these groups only; the sync that follows is waited for.</summary>
    public async Task<UpdateImportScopeResponse> ImportMembersAsync(params Guid[] groups)
    {
        var answer = await Connections.UpdateImportScopeAsync(
            new()
            {
                ClientId = Id,
                Scope = new() { People = ImportedPeople.Members, PeopleGroupIds = { groups.Select(g => $"{g}") } },
                Revision = (await Connections.GetImportScopeAsync(new() { ClientId = Id })).Revision,
            }
        );
        await SyncedAsync();
        return answer;
    }

    /// <summary>A call on this client's tenant in the emulator.</summary>
    public Task<JsonElement> GraphAsync(HttpMethod method, string path, object? body = null) =>
        service.Graph.SendAsync(method, $"tenants/{Directory}/{path}", body);

    public async Task<Guid> AddGroupAsync(string name, params Guid[] members)
    {
        var group = await GraphAsync(HttpMethod.Post, "groups", new { displayName = name, members });
        return group.GetProperty("id").GetGuid();
    }

    /// <summary>Makes the next answers to this client wrong in one way.</summary>
    public Task FaultAsync(object fault)
    {
        var rule = JsonSerializer.SerializeToNode(fault)!.AsObject();
        rule["tenant"] = Directory.ToString();
        return service.Graph.SendAsync(HttpMethod.Post, "faults", rule);
    }

    public Task MendAsync() => service.Graph.SendAsync(HttpMethod.Delete, $"faults?tenant={Directory}");

    public Task<T> DbAsync<T>(Func<DirectoryDbContext, Task<T>> work) =>
        service.DbAsync(Tenant.Client(mspId, clientId), work);

    public Task<long> RosterVersionAsync() =>
        DbAsync(db => db.Clients.Where(c => c.ClientId == clientId).Select(c => c.RosterVersion).SingleAsync());

    public List<RosterChanged> Published => service.Events.Of<RosterChanged>(clientId);

    public static string? ReasonOf(RpcException error) => error.GetRpcStatus()?.GetDetail<ErrorInfo>()?.Reason;
}
