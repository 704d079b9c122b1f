using System.Collections.Concurrent;
using Rollcall.Platform;

namespace Rollcall.Testing;

/// <summary>Stands for directory-sync in the tests of other services: tests say which clients there are.</summary>
public sealed class TestClientDirectory : IClientDirectory
{
    private readonly ConcurrentDictionary<(Guid, Guid), ClientInfo> clients = new();

    /// <summary>Makes a new client of the MSP, or of a new MSP.</summary>
    public ClientInfo Add(Guid? msp = null, string timeZone = "Etc/UTC")
    {
        var client = new ClientInfo(
            msp ?? Guid.CreateVersion7(),
            Guid.CreateVersion7(),
            "Fabrikam",
            timeZone,
            "Northwind IT"
        );
        clients[(client.MspId, client.ClientId)] = client;
        return client;
    }

    public Task<ClientInfo?> FindAsync(Guid mspId, Guid clientId, CancellationToken ct) =>
        Task.FromResult(clients.GetValueOrDefault((mspId, clientId)));
}
