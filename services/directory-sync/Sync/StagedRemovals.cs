using Google.Protobuf.WellKnownTypes;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Health;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Sync;

/// <summary>What people decide about the removals the brake holds back. All named users, or none.</summary>
public sealed class StagedRemovals(DirectoryDbContext db, TenantContext tenant, HealthBook health, TimeProvider clock)
{
    public async Task<List<StagedRemoval>> ListAsync(Guid clientId, Guid after, int size, CancellationToken ct)
    {
        await using var transaction = await db.BeginAsync(ct);
        var rows = await (
            from removal in db.StagedRemovals.AsNoTracking()
            join user in db.Users on new { removal.ClientId, removal.UserId } equals new { user.ClientId, user.UserId }
            where removal.ClientId == clientId && removal.UserId > after
            orderby removal.UserId
            select new { removal, user.DisplayName }
        )
            .Take(size)
            .ToListAsync(ct);
        return
        [
            .. rows.Select(r => new StagedRemoval
            {
                UserId = r.removal.UserId.ToString(),
                DisplayName = r.DisplayName,
                StageTime = r.removal.StagedAt.ToTimestamp(),
                Reason = r.removal.Reason,
                KeepUntilTime = r.removal.KeepUntil?.ToTimestamp(),
            }),
        ];
    }

    /// <returns>The roster version without them.</returns>
    public async Task<long> ApproveAsync(Guid clientId, Guid[] users, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        await using var transaction = await db.BeginAsync(ct);
        await CheckAsync(clientId, users, ct);
        var lease = SyncLease.Decision(tenant.MspId, clientId);
        var run = await AddRunAsync(clientId, users.Length, now, ct);
        var writer = new RosterWriter((NpgsqlConnection)db.Database.GetDbConnection(), lease, run.Id, now);
        await writer.BeginAsync(ct);
        await writer.ApproveAsync(users, ct);
        var result = await writer.PublishAsync(new(db), ct);
        run.RosterVersion = result;
        db.SyncRuns.Update(run);
        await SettleAsync(clientId, ct);
        await transaction.CommitAsync(ct);
        await health.CommittedAsync();
        return result;
    }

    public async Task RejectAsync(Guid clientId, Guid[] users, DateTimeOffset until, CancellationToken ct)
    {
        await using var transaction = await db.BeginAsync(ct);
        await CheckAsync(clientId, users, ct);
        await db
            .StagedRemovals.Where(r => r.ClientId == clientId && users.Contains(r.UserId))
            .ExecuteUpdateAsync(r => r.SetProperty(x => x.KeepUntil, until), ct);
        var writer = new RosterWriter(
            (NpgsqlConnection)db.Database.GetDbConnection(),
            SyncLease.Decision(tenant.MspId, clientId),
            Guid.Empty,
            clock.GetUtcNow()
        );
        await writer.BeginAsync(ct);
        await writer.KeepAsync(users, ct);
        await writer.PublishAsync(new(db), ct);
        await SettleAsync(clientId, ct);
        await transaction.CommitAsync(ct);
        await health.CommittedAsync();
    }

    private async Task CheckAsync(Guid clientId, Guid[] users, CancellationToken ct)
    {
        var staged = await db.StagedRemovals.CountAsync(r => r.ClientId == clientId && users.Contains(r.UserId), ct);
        if (staged != users.Length)
        {
            throw AppException.Precondition(
                "REMOVAL_NOT_STAGED",
                $"{users.Length - staged} of the users are not staged for removal any more; look at ListStagedRemovals again"
            );
        }
    }

    private async Task<SyncRunRow> AddRunAsync(Guid clientId, int count, DateTimeOffset now, CancellationToken ct)
    {
        var run = new SyncRunRow
        {
            MspId = tenant.MspId,
            ClientId = clientId,
            Mode = SyncMode.Delta,
            State = SyncRunState.Succeeded,
            StartedAt = now,
            FinishedAt = now,
            Removed = count,
        };
        db.SyncRuns.Add(run);
        await db.SaveChangesAsync(ct);
        return run;
    }

    private async Task SettleAsync(Guid clientId, CancellationToken ct)
    {
        // A decision about people mends no connection: what fails goes on saying so.
        var held = await db.Healths.AnyAsync(
            h => h.ClientId == clientId && (h.State == HealthState.Healthy || h.State == HealthState.Degraded),
            ct
        );
        if (!held || await db.ClientSyncs.AnyAsync(s => s.ClientId == clientId && s.Failures > 0, ct))
        {
            return;
        }

        await health.RecordAsync(clientId, await HealthBook.AfterSuccessAsync(db, clientId, ct), ct);
        await db.SaveChangesAsync(ct);
    }
}
