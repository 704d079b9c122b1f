using Microsoft.EntityFrameworkCore;
using Npgsql;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Graph;
using Rollcall.DirectorySync.Health;
using Rollcall.DirectorySync.Sync;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Csv;

/// <summary>Applies a list of people as a full read of the source CSV: the same writer, the same brake, the same events.</summary>
public sealed class CsvImport(DirectoryDbContext db, TenantContext tenant, HealthBook health, TimeProvider clock)
{
    public async Task<RoundResult> RunAsync(Guid clientId, List<UserEntry> people, bool dryRun, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        await using var transaction = await db.BeginAsync(ct);
        var run = new SyncRunRow
        {
            MspId = tenant.MspId,
            ClientId = clientId,
            Mode = SyncMode.Full,
            State = SyncRunState.Succeeded,
            StartedAt = now,
            FinishedAt = now,
            Objects = people.Count,
        };

        // No lease: the client's row lock orders the import among the syncs.
        var lease = new SyncLease(tenant.MspId, clientId, Guid.Empty, 0, TimeSpan.Zero, 0, null, 0, null, false);
        var writer = new RosterWriter((NpgsqlConnection)db.Database.GetDbConnection(), lease, run.Id, now, Source.Csv);
        await writer.BeginAsync(ct);
        await writer.AddUsersAsync([.. people], ct);
        var result = await writer.FinishAsync(new(db), ct);
        if (dryRun)
        {
            // What the real thing would have done, undone.
            return result;
        }

        (run.Added, run.Changed, run.Removed) = (result.Added, result.Changed, result.Removed);
        (run.Staged, run.RosterVersion) = (result.Staged, result.RosterVersion);
        db.SyncRuns.Add(run);
        await db.SaveChangesAsync(ct);
        await health.SettleAsync(clientId, ct);
        await transaction.CommitAsync(ct);
        await health.CommittedAsync();
        return result;
    }
}
