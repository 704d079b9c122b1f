using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Graph;
using Rollcall.DirectorySync.Sync;

namespace Rollcall.DirectorySync.Trail;

/// <summary>Escrowed objects that were due, as the directory has them now.</summary>
/// <param name="ReadAll">A group is among them: only a full round reads it whole.</param>
public sealed record EscrowRetry(Guid[] Subjects, UserEntry[] Found, bool ReadAll);

/// <summary>Reads escrowed objects again when their time has come.</summary>
public sealed partial class EscrowReader(
    IServiceScopeFactory scopes,
    GraphDirectory graph,
    TimeProvider clock,
    ILogger<EscrowReader> logger
)
{
    /// <summary>A round waits for no more than these; the others come with the next one.</summary>
    private const int MostAtOnce = 20;

    /// <returns>Null if none is due.</returns>
    public async Task<EscrowRetry?> ReadAsync(SyncLease lease, CancellationToken ct)
    {
        if (lease.EscrowDueAt is not { } due || due > clock.GetUtcNow())
        {
            return null;
        }

        var rows = await DueAsync(lease, ct);
        if (rows.Count == 0)
        {
            return null;
        }

        var readAll = lease.IsFull || rows.Exists(r => r.IsGroup);
        var found = new List<UserEntry>();
        foreach (var row in rows.Where(_ => !readAll))
        {
            if (await FindAsync(lease, row.ObjectId, ct) is { } entry)
            {
                found.Add(entry);
            }
        }

        return new([.. rows.Select(r => r.SubjectId)], [.. found], readAll);
    }

    private async Task<List<EscrowRow>> DueAsync(SyncLease lease, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        await using var scope = scopes.Enter(lease);
        var db = scope.ServiceProvider.GetRequiredService<DirectoryDbContext>();
        await using var transaction = await db.BeginAsync(ct);
        return await db
            .Escrows.AsNoTracking()
            .Where(e => e.ClientId == lease.ClientId && e.Source == Source.Microsoft365 && e.NextRetryAt <= now)
            .OrderBy(e => e.NextRetryAt)
            .Take(MostAtOnce)
            .ToListAsync(ct);
    }

    /// <summary>One object that cannot be read holds up nobody else: it waits for its next turn.</summary>
    private async Task<UserEntry?> FindAsync(SyncLease lease, Guid objectId, CancellationToken ct)
    {
        try
        {
            if (await graph.FindUserAsync(lease.DirectoryTenantId, objectId.ToString(), ct) is not { } body)
            {
                return null;
            }

            var entry = GraphPage.User(body);

            // The link could be read; a deleted manager's is the stream's business.
            entry.Patch.Set(EntraProperties.Manager, value: null);
            return entry;
        }
        catch (GraphException e)
        {
            LogUnread(lease.ClientId, objectId, e.Code);
            return null;
        }
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Client {ClientId}: escrowed object {ObjectId} could not be read again, {Code}"
    )]
    private partial void LogUnread(Guid clientId, Guid objectId, string code);
}
