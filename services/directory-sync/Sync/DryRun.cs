using Microsoft.EntityFrameworkCore;
using Npgsql;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Graph;
using Rollcall.DirectorySync.Health;

namespace Rollcall.DirectorySync.Sync;

/// <summary>
/// Shows what a round would do: the same reader and the same writer, in a transaction that is rolled back. What stays
/// is the run and its preview; roster, cursors, health, staged removals, outbox and the real round's pages do not change.
/// </summary>
public sealed class DryRun(
    IServiceScopeFactory scopes,
    RoundReader reader,
    ImportJudge judge,
    GraphPeople people,
    TimeProvider clock
)
{
    private const int ChunkSize = 1000;

    public async Task RunAsync(SyncLease claimed, Guid runId, CancellationToken ct)
    {
        var lease = claimed with { IsPreview = true, HasPages = true };
        try
        {
            await ReadAndPreviewAsync(lease, runId, ct);
        }
        catch (GraphException e) when (e.Failure == GraphFailure.ResyncRequired && !lease.IsFull)
        {
            // As the real thing would: everything is read afresh.
            await RunAsync(lease.Full(), runId, ct);
        }
        catch (GraphException e)
        {
            await using var scope = scopes.Enter(lease);
            var db = scope.ServiceProvider.GetRequiredService<DirectoryDbContext>();
            await using var transaction = await db.BeginAsync(ct);
            var run = await FindAsync(db, lease, runId, ct);
            (run.State, run.ErrorCode) = (SyncRunState.Failed, e.Code);
            run.Problem = HealthRules.AfterFailure(e, failures: 1).View.Problem;
            await SettleAsync(db, lease, run, ct);
            await transaction.CommitAsync(ct);
        }
    }

    private async Task ReadAndPreviewAsync(SyncLease lease, Guid runId, CancellationToken ct)
    {
        var (users, groups) = await reader.ReadAsync(lease, progress: null, ct);
        users = users with { Verdicts = await judge.JudgeAsync(lease, users, ct) };
        var unread = await PreviewAsync(lease, runId, users, groups, newcomers: [], ct);
        if (unread.Count > 0)
        {
            var newcomers = await people.ReadAsync(lease.DirectoryTenantId, unread, ct);
            await PreviewAsync(lease, runId, users, groups, newcomers, ct);
        }
    }

    /// <returns>Who must be read first; see <see cref="RoundResult.Unread"/>.</returns>
    private async Task<List<Guid>> PreviewAsync(
        SyncLease lease,
        Guid runId,
        StreamPages users,
        StreamPages groups,
        Dictionary<Guid, UserEntry?> newcomers,
        CancellationToken ct
    )
    {
        await using var outside = scopes.Enter(lease);
        var kept = outside.ServiceProvider.GetRequiredService<DirectoryDbContext>();
        await using var transaction = await kept.BeginAsync(ct);
        var result = await TryOutAsync(kept, lease, runId, users, groups, newcomers, ct);
        if (result.Unread.Count > 0)
        {
            return result.Unread;
        }

        var run = await FindAsync(kept, lease, runId, ct);
        run.State = SyncRunState.Succeeded;
        (run.Pages, run.Added, run.Changed) = (users.Count + groups.Count, result.Added, result.Changed);
        (run.Removed, run.Staged) = (result.Removed, result.Staged);
        await SettleAsync(kept, lease, run, ct);
        await transaction.CommitAsync(ct);
        return [];
    }

    /// <summary>Writes the round, carries its trail over to what is kept, and takes everything back.</summary>
    private async Task<RoundResult> TryOutAsync(
        DirectoryDbContext kept,
        SyncLease lease,
        Guid runId,
        StreamPages users,
        StreamPages groups,
        Dictionary<Guid, UserEntry?> newcomers,
        CancellationToken ct
    )
    {
        await using var scope = scopes.Enter(lease);
        var db = scope.ServiceProvider.GetRequiredService<DirectoryDbContext>();
        await using var undone = await db.BeginAsync(ct);
        var connection = (NpgsqlConnection)db.Database.GetDbConnection();
        await ImportVerdicts.RecordAsync(users.Verdicts, connection, lease, ct);
        var now = clock.GetUtcNow();
        var writer = new RosterWriter(connection, lease, runId, now, preview: true);
        var result = await writer.WriteAsync(db, users, groups, newcomers, ct);
        await CopyEventsAsync(db, kept, lease, runId, now, ct);
        await undone.RollbackAsync(ct);
        return result;
    }

    /// <summary>Chunk by chunk: a preview of a hundred thousand people is never in memory.</summary>
    private static async Task CopyEventsAsync(
        DirectoryDbContext from,
        DirectoryDbContext to,
        SyncLease lease,
        Guid runId,
        DateTimeOffset now,
        CancellationToken ct
    )
    {
        var after = Guid.Empty;
        while (true)
        {
            await using var read = new NpgsqlCommand(
                """
                select jsonb_agg(e order by e.id)::text, (array_agg(e.id order by e.id desc))[1] from (
                  select * from sync_event where client_id = $1 and occurred_at = $2 and id > $3 and run_id = $4
                  order by id limit $5) e
                """,
                (NpgsqlConnection)from.Database.GetDbConnection()
            );
            read.Parameters.Add(new() { Value = lease.ClientId });
            read.Parameters.Add(new() { Value = now });
            read.Parameters.Add(new() { Value = after });
            read.Parameters.Add(new() { Value = runId });
            read.Parameters.Add(new() { Value = ChunkSize });
            string chunk;
            await using (var reader = await read.ExecuteReaderAsync(ct))
            {
                await reader.ReadAsync(ct);
                if (await reader.IsDBNullAsync(0, ct))
                {
                    return;
                }

                (chunk, after) = (reader.GetString(0), reader.GetGuid(1));
            }

            await to.Database.ExecuteSqlAsync(
                $"insert into sync_preview select * from jsonb_populate_recordset(null::sync_preview, {chunk}::jsonb)",
                ct
            );
        }
    }

    private async Task SettleAsync(DirectoryDbContext db, SyncLease lease, SyncRunRow run, CancellationToken ct)
    {
        run.FinishedAt = clock.GetUtcNow();
        await db
            .StagedPages.Where(p => p.ClientId == lease.ClientId && p.Stream >= StreamPages.FirstOfPreview)
            .ExecuteDeleteAsync(ct);
        await Leases.ReturnAsync((NpgsqlConnection)db.Database.GetDbConnection(), lease, run.Id, run.ResumeAt, ct);
        await db.SaveChangesAsync(ct);
    }

    private static Task<SyncRunRow> FindAsync(
        DirectoryDbContext db,
        SyncLease lease,
        Guid runId,
        CancellationToken ct
    ) => db.SyncRuns.SingleAsync(r => r.ClientId == lease.ClientId && r.Id == runId, ct);
}
