using Microsoft.EntityFrameworkCore;
using Npgsql;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Graph;
using Rollcall.DirectorySync.Health;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Sync;

/// <summary>
/// Syncs one person that somebody asked for, read directly and applied like an entry of the stream, under the client's
/// lease. It moves no cursor, so it must not settle what only the stream can tell: who is gone, and what comes back with
/// somebody who returns. Both are left to the round, which then follows at once.
/// </summary>
public sealed class PersonSync(IServiceScopeFactory scopes, GraphDirectory graph, ImportJudge judge, TimeProvider clock)
{
    public const string NotFound = "PERSON_NOT_FOUND";
    public const string Returned = "PERSON_RETURNED";
    public const string Outside = "PERSON_OUTSIDE_IMPORT_SCOPE";

    public async Task RunAsync(SyncLease lease, Guid runId, string person, CancellationToken ct)
    {
        if (await graph.FindUserAsync(lease.DirectoryTenantId, person, ct) is not { } body)
        {
            await EndAsync(lease, runId, NotFound, ct);
            return;
        }

        CrashPoints.Reach("after-person");
        var entry = GraphPage.User(body);
        if (!await ApplyAsync(lease, runId, entry, await judge.JudgeAsync(lease, entry, ct), ct))
        {
            await EndAsync(lease, runId, Returned, ct);
        }
    }

    /// <returns>False if the person came back: nothing was written.</returns>
    private async Task<bool> ApplyAsync(
        SyncLease lease,
        Guid runId,
        UserEntry entry,
        ImportVerdicts? verdicts,
        CancellationToken ct
    )
    {
        await using var scope = scopes.Enter(lease);
        var db = scope.ServiceProvider.GetRequiredService<DirectoryDbContext>();
        var health = scope.ServiceProvider.GetRequiredService<HealthBook>();
        await using var transaction = await db.BeginAsync(ct);
        var connection = (NpgsqlConnection)db.Database.GetDbConnection();

        // As an entry of a delta round: of a full one, everybody else would be missing.
        await ImportVerdicts.RecordAsync(verdicts, connection, lease, ct);
        var writer = new RosterWriter(connection, lease.Delta(), runId, clock.GetUtcNow());
        await writer.BeginAsync(ct);
        await writer.AddUsersAsync([entry], ct);
        var result = await writer.FinishAsync(new(db), ct);
        if (result.ReadAll || result.Unread.Count > 0)
        {
            return false;
        }

        var run = await db.SyncRuns.SingleAsync(r => r.ClientId == lease.ClientId && r.Id == runId, ct);
        await Leases.ReturnAsync(connection, lease, runId, run.ResumeAt, ct);
        (run.State, run.FinishedAt) = (SyncRunState.Succeeded, clock.GetUtcNow());
        (run.Pages, run.Objects, run.Added, run.Changed) = (1, 1, result.Added, result.Changed);
        (run.Removed, run.Staged, run.RosterVersion) = (result.Removed, result.Staged, result.RosterVersion);
        await NoteOutsideAsync(db, run, entry.ObjectId, ct);
        if (lease is { Failures: 0, LastSuccessAt: not null })
        {
            await health.RecordAsync(lease.ClientId, await HealthBook.AfterSuccessAsync(db, lease.ClientId, ct), ct);
        }

        await db.SaveChangesAsync(ct);
        await transaction.CommitAsync(ct);
        await health.CommittedAsync();
        return true;
    }

    private static async Task NoteOutsideAsync(
        DirectoryDbContext db,
        SyncRunRow run,
        Guid objectId,
        CancellationToken ct
    )
    {
        if (await db.OutsideUsers.AnyAsync(u => u.ClientId == run.ClientId && u.ObjectId == objectId, ct))
        {
            // Not even the name they were asked for by stays.
            run.Person = objectId.ToString();
            (run.ErrorCode, run.Problem) = (
                Outside,
                "The import scope leaves this person out: nothing was taken over."
            );
        }
    }

    private async Task EndAsync(SyncLease lease, Guid runId, string reason, CancellationToken ct)
    {
        await using var scope = scopes.Enter(lease);
        var db = scope.ServiceProvider.GetRequiredService<DirectoryDbContext>();
        await using var transaction = await db.BeginAsync(ct);

        // Long ago, so at once.
        var connection = (NpgsqlConnection)db.Database.GetDbConnection();
        await Leases.ReturnAsync(connection, lease, runId, DateTimeOffset.UnixEpoch, ct);
        var run = await db.SyncRuns.SingleAsync(r => r.ClientId == lease.ClientId && r.Id == runId, ct);
        run.State = reason == NotFound ? SyncRunState.Failed : SyncRunState.Succeeded;
        run.FinishedAt = clock.GetUtcNow();
        (run.ErrorCode, run.Problem) = (
            reason,
            reason == NotFound
                ? "The directory has no such person, or none any more. Nobody is removed by this: the round that follows at once decides."
                : "The person came back: the round that follows at once brings them with manager and groups."
        );
        await db.SaveChangesAsync(ct);
        await transaction.CommitAsync(ct);
    }
}
