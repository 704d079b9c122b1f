using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Directory.V1;
using Rollcall.ScopeRules.Data;

namespace Rollcall.ScopeRules.Decisions;

/// <summary>The client's row, made on first sight from what directory-sync says, and its lock.</summary>
public sealed class ClientScopes(ScopeDbContext db, ClientService.ClientServiceClient directory)
{
    /// <summary>Waits for whoever is deciding about the client's people; the transaction's end lets go.</summary>
    public async Task<ClientScope> LockAsync(Guid mspId, Guid clientId, CancellationToken ct)
    {
        if (await FindLockedAsync(clientId, ct) is { } known)
        {
            return known;
        }

        var client = await AskAsync(clientId, ct);
        await db.Database.ExecuteSqlAsync(
            $"""
            insert into client_scope (msp_id, client_id, time_zone, leaver_after_days)
            values ({mspId}, {clientId}, {client.TimeZone}, {client.LeaverAfterDays}) on conflict do nothing
            """,
            ct
        );
        return (await FindLockedAsync(clientId, ct))!;
    }

    /// <summary>Null: another instance is at work on the client, or it is unknown.</summary>
    public Task<ClientScope?> TryLockAsync(Guid clientId, CancellationToken ct) =>
        db
            .Clients.FromSql($"select * from client_scope where client_id = {clientId} for update skip locked")
            .SingleOrDefaultAsync(ct);

    /// <summary>The client as it is, for those who write nothing.</summary>
    public async Task<ClientScope> ReadAsync(Guid mspId, Guid clientId, CancellationToken ct)
    {
        if (await db.Clients.AsNoTracking().SingleOrDefaultAsync(c => c.ClientId == clientId, ct) is { } known)
        {
            return known;
        }

        var client = await AskAsync(clientId, ct);
        return new()
        {
            MspId = mspId,
            ClientId = clientId,
            TimeZone = client.TimeZone,
            LeaverAfterDays = client.LeaverAfterDays,
        };
    }

    /// <summary>The client's settings as directory-sync has them now.</summary>
    public async Task<Client> AskAsync(Guid clientId, CancellationToken ct) =>
        (await directory.GetClientAsync(new() { ClientId = clientId.ToString() }, cancellationToken: ct)).Client;

    private Task<ClientScope?> FindLockedAsync(Guid clientId, CancellationToken ct) =>
        db
            .Clients.FromSql($"select * from client_scope where client_id = {clientId} for update")
            .SingleOrDefaultAsync(ct);
}
