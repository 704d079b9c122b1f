using System.Collections.Concurrent;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Rollcall.Api.Directory.V1;

namespace Rollcall.Platform;

/// <summary>What every service knows of a client.</summary>
public sealed record ClientInfo(Guid MspId, Guid ClientId, string DisplayName, string TimeZone, string MspDisplayName);

/// <summary>Which clients there are: directory-sync looks into its own table, the other services ask it.</summary>
public interface IClientDirectory
{
    /// <summary>Null if the MSP has no such client.</summary>
    Task<ClientInfo?> FindAsync(Guid mspId, Guid clientId, CancellationToken ct);

    async Task<bool> ExistsAsync(Guid mspId, Guid clientId, CancellationToken ct) =>
        await FindAsync(mspId, clientId, ct) is not null;
}

/// <summary>Asks directory-sync, and remembers the answer for a minute: long enough to spare it, short enough for a rename.</summary>
public sealed class RemoteClientDirectory(IServiceScopeFactory scopes, TimeProvider clock) : IClientDirectory
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(1);
    private readonly ConcurrentDictionary<(Guid, Guid), (ClientInfo Client, long ReadAt)> known = new();

    public async Task<ClientInfo?> FindAsync(Guid mspId, Guid clientId, CancellationToken ct)
    {
        if (known.TryGetValue((mspId, clientId), out var hit) && clock.GetElapsedTime(hit.ReadAt) < Lifetime)
        {
            return hit.Client;
        }

        await using var scope = scopes.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<TenantContext>().Enter(Tenant.Client(mspId, clientId));
        var directory = scope.ServiceProvider.GetRequiredService<ClientService.ClientServiceClient>();
        try
        {
            var answer = await directory.GetClientAsync(
                new() { ClientId = clientId.ToString() },
                cancellationToken: ct
            );
            var client = new ClientInfo(
                mspId,
                clientId,
                answer.Client.DisplayName,
                answer.Client.TimeZone,
                answer.Client.MspDisplayName
            );
            known[(mspId, clientId)] = (client, clock.GetTimestamp());
            return client;
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.NotFound)
        {
            return null;
        }
    }
}
