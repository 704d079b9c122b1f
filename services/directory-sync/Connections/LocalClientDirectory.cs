using Microsoft.EntityFrameworkCore;
using Rollcall.DirectorySync.Data;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Connections;

/// <summary>Answers the kernel's question for a client from the table that has them.</summary>
public sealed class LocalClientDirectory(IServiceScopeFactory scopes) : IClientDirectory
{
    public async Task<ClientInfo?> FindAsync(Guid mspId, Guid clientId, CancellationToken ct)
    {
        await using var scope = scopes.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<TenantContext>().Enter(Tenant.Client(mspId, clientId));
        var db = scope.ServiceProvider.GetRequiredService<DirectoryDbContext>();
        await using var transaction = await db.BeginAsync(ct);
        return await (
            from client in db.Clients
            join msp in db.Msps on client.MspId equals msp.MspId
            where client.ClientId == clientId
            select new ClientInfo(client.MspId, client.ClientId, client.DisplayName, client.TimeZone, msp.DisplayName)
        ).SingleOrDefaultAsync(ct);
    }
}
