using Microsoft.EntityFrameworkCore;
using Npgsql;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Graph;
using Rollcall.DirectorySync.Health;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Sync;

/// <summary>What becomes of a round that could not be read.</summary>
public sealed partial class SyncRunner
{
    private async Task FailAsync(SyncLease lease, RunProgress progress, GraphException error, CancellationToken ct)
    {
        var (view, delay) = HealthRules.AfterFailure(error, lease.Failures + 1);
        var resync = error.Failure == GraphFailure.ResyncRequired;
        using var turn = await TurnAsync(ct);
        await using var scope = scopes.Enter(lease);
        var db = scope.ServiceProvider.GetRequiredService<DirectoryDbContext>();
        var health = scope.ServiceProvider.GetRequiredService<HealthBook>();
        await using var transaction = await db.BeginAsync(ct);
        await Leases.FailAsync((NpgsqlConnection)db.Database.GetDbConnection(), lease, delay, resync, ct);
        if (error.Failure is not (GraphFailure.Throttled or GraphFailure.Transient or GraphFailure.OwnDatabase))
        {
            // They would lead to a dead round's dead link again, or lie there until somebody has mended the connection.
            await db.StagedPages.Where(p => p.ClientId == lease.ClientId).ExecuteDeleteAsync(ct);
        }

        if (error.Failure is GraphFailure.Throttled or GraphFailure.OwnDatabase)
        {
            await PutOffAsync(db, lease, error, view, ct);
        }
        else if (!resync)
        {
            var run = await RunRowAsync(db, lease, progress, ct);
            (run.State, run.FinishedAt) = (SyncRunState.Failed, clock.GetUtcNow());
            (run.ErrorCode, run.Problem) = (error.Code, view.Problem);
            await db
                .ClientSyncs.Where(s => s.ClientId == lease.ClientId && s.RequestedRunId == progress.RunId)
                .ExecuteUpdateAsync(
                    s =>
                        s.SetProperty(x => x.RequestedRunId, (Guid?)null)
                            .SetProperty(x => x.RequestedFull, false)
                            .SetProperty(x => x.Priority, (short)5),
                    ct
                );
            await MarkConnectionAsync(db, lease, error, ct);
        }

        if (HealthRules.IsNews(error.Failure, lease.Failures + 1))
        {
            await health.RecordAsync(lease.ClientId, view, ct);
        }

        await db.SaveChangesAsync(ct);
        CrashPoints.Reach("before-fail-commit");
        await transaction.CommitAsync(ct);
        await health.CommittedAsync();
    }

    /// <summary>A sync that was asked for is still to come, and whoever watches it sees why it waits.</summary>
    private static Task<int> PutOffAsync(
        DirectoryDbContext db,
        SyncLease lease,
        GraphException error,
        HealthView view,
        CancellationToken ct
    ) =>
        db
            .SyncRuns.Where(r => r.ClientId == lease.ClientId && r.Id == lease.RequestedRunId)
            .ExecuteUpdateAsync(
                r =>
                    r.SetProperty(x => x.State, SyncRunState.Queued)
                        .SetProperty(x => x.ErrorCode, error.Code)
                        .SetProperty(x => x.Problem, view.Problem),
                ct
            );

    private static async Task MarkConnectionAsync(
        DirectoryDbContext db,
        SyncLease lease,
        GraphException error,
        CancellationToken ct
    )
    {
        if (
            error.Failure
            is GraphFailure.ConsentRemoved
                or GraphFailure.PermissionMissing
                or GraphFailure.DisabledByCustomer
        )
        {
            await db
                .Connections.Where(c => c.ClientId == lease.ClientId)
                .ExecuteUpdateAsync(c => c.SetProperty(x => x.State, ConnectionState.Broken), ct);
        }
    }
}
