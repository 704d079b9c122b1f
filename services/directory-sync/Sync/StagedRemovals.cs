using System.Globalization;
using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using NpgsqlTypes;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Health;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Sync;

/// <summary>What people decide about the removals the brake holds back. All named users, or none.</summary>
public sealed class StagedRemovals(DirectoryDbContext db, TenantContext tenant, HealthBook health, TimeProvider clock)
{
    private const string Rejected = "REMOVAL_REJECTED";

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

    /// <param name="by">Who decides, for the trail.</param>
    /// <returns>The roster version without them.</returns>
    public async Task<long> ApproveAsync(Guid clientId, Guid[] users, string by, CancellationToken ct)
    {
        await using var transaction = await db.BeginAsync(ct);
        await CheckAsync(clientId, users, ct);
        var version = await DecideAsync(
            clientId,
            users,
            ("approved", by),
            removed: users.Length,
            writer => writer.ApproveAsync(users, ct),
            ct
        );
        CrashPoints.Reach("before-approval");
        await transaction.CommitAsync(ct);
        CrashPoints.Reach("after-approval");
        await health.CommittedAsync();
        return version;
    }

    public async Task RejectAsync(Guid clientId, Guid[] users, DateTimeOffset until, string by, CancellationToken ct)
    {
        await using var transaction = await db.BeginAsync(ct);
        await CheckAsync(clientId, users, ct);
        await db
            .StagedRemovals.Where(r => r.ClientId == clientId && users.Contains(r.UserId))
            .ExecuteUpdateAsync(r => r.SetProperty(x => x.KeepUntil, until), ct);
        var word = until.UtcDateTime.ToString("'kept until 'yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
        await DecideAsync(clientId, users, (word, by), removed: 0, writer => writer.KeepAsync(users, ct), ct);
        await transaction.CommitAsync(ct);
        await health.CommittedAsync();
    }

    /// <summary>A run of its own, with an event for each person.</summary>
    private async Task<long> DecideAsync(
        Guid clientId,
        Guid[] users,
        (string Word, string By) decision,
        int removed,
        Func<RosterWriter, Task> apply,
        CancellationToken ct
    )
    {
        var now = clock.GetUtcNow();
        var connection = (NpgsqlConnection)db.Database.GetDbConnection();
        var run = await AddRunAsync(clientId, removed, now, ct);
        var writer = new RosterWriter(connection, SyncLease.Decision(tenant.MspId, clientId), run.Id, now);
        await writer.BeginAsync(ct);
        await apply(writer);
        CrashPoints.Reach("after-decision");
        await TellAsync(connection, clientId, users, decision, ct);
        run.RosterVersion = await writer.PublishAsync(new(db), ct);
        CrashPoints.Reach("after-decision-outbox");
        db.SyncRuns.Update(run);
        await health.SettleAsync(clientId, ct);
        return run.RosterVersion;
    }

    /// <summary>Who decided what about whom. Those who leave have an event already; the others stay as they are.</summary>
    private static async Task TellAsync(
        NpgsqlConnection connection,
        Guid clientId,
        Guid[] users,
        (string Word, string By) decision,
        CancellationToken ct
    )
    {
        await using var command = new NpgsqlCommand(
            $"""
            insert into t_event (subject, id, is_group, action, status, display_name, changes, reason)
            select user_id, {RosterWriter.NewId}, false, $1, $2, display_name, $3, $4 from directory_user
            where client_id = $5 and user_id = any ($6)
            on conflict (subject) do update set changes = coalesce(t_event.changes, '[]') || excluded.changes
            """,
            connection
        );
        object[] changes =
        [
            new
            {
                p = "removal",
                o = "staged",
                n = decision.Word,
            },
            new { p = "removalDecidedBy", n = decision.By },
        ];
        command.Parameters.Add(new() { Value = (int)SyncAction.Kept });
        command.Parameters.Add(new() { Value = (int)SyncStatus.Done });
        command.Parameters.Add(new() { Value = JsonSerializer.Serialize(changes), NpgsqlDbType = NpgsqlDbType.Jsonb });
        command.Parameters.Add(new() { Value = Rejected });
        command.Parameters.Add(new() { Value = clientId });
        command.Parameters.Add(new() { Value = users });
        await command.ExecuteNonQueryAsync(ct);
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

    private async Task<SyncRunRow> AddRunAsync(Guid clientId, int removed, DateTimeOffset now, CancellationToken ct)
    {
        var run = new SyncRunRow
        {
            MspId = tenant.MspId,
            ClientId = clientId,
            Mode = SyncMode.Delta,
            State = SyncRunState.Succeeded,
            StartedAt = now,
            FinishedAt = now,
            Removed = removed,
        };
        db.SyncRuns.Add(run);
        await db.SaveChangesAsync(ct);
        return run;
    }
}
