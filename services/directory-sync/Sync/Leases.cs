using Npgsql;
using NpgsqlTypes;
using Rollcall.DirectorySync.Graph;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Sync;

/// <summary>A round that has been read: where its streams stand now.</summary>
public sealed record RoundEnd(SyncLease Lease, string? UsersCursor, string? GroupsCursor);

/// <summary>
/// Claims due clients from the lease table, on database time. A claim raises the fence and pushes the due time past
/// the lease, so a worker that dies loses the client to the next one by itself.
/// </summary>
public sealed class Leases(WorkerDatabase database)
{
    public static readonly TimeSpan Duration = TimeSpan.FromSeconds(60);

    /// <summary>Hints bring a client's syncs no closer together than this, however many there are.</summary>
    public static readonly TimeSpan HintPause = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Only under our fence. Without cursors a full round follows at once, and so does a sync that was asked for
    /// meanwhile; a hint that came while we read may be about something we no longer saw. The jitter keeps clients that
    /// started together from lining up for ever.
    /// </summary>
    private const string Complete = """
        update client_sync s
        set owner = null, failures = 0, priority = 5, has_pages = false, users_cursor = d.users, groups_cursor = d.groups,
          cursor_select = $6, cursor_version = s.cursor_version + 1, last_success_at = $7,
          requested_run_id = nullif(s.requested_run_id, d.run_id),
          requested_full = s.requested_full and s.requested_run_id is distinct from d.run_id,
          next_at = case when d.users is null or s.requested_run_id is distinct from d.run_id
            then now()
            when s.hinted_at > s.claimed_at then greatest(now(), s.claimed_at + $8)
            else now() + s.every * (0.9 + random() * 0.2) end
        from unnest($1, $2, $3, $4, $5) d (client_id, fence, users, groups, run_id)
        where s.client_id = d.client_id and s.fence = d.fence
        returning s.client_id, s.fence
        """;
    private readonly string owner = $"{Environment.MachineName}:{Environment.ProcessId}";

    /// <param name="which">A condition on the row, from our own text.</param>
    public async Task<List<SyncLease>> ClaimAsync(string which, int limit, CancellationToken ct)
    {
        await using var command = database.Source.CreateCommand(
            $"""
            update client_sync s
            set owner = $1, next_at = now() + $2, claimed_at = now(), fence = fence + 1
            from (
              select client_id from client_sync
              where next_at <= now() and not disabled and {which}
              order by priority, next_at limit $3 for update skip locked) due
            where due.client_id = s.client_id
            returning s.msp_id, s.client_id, s.directory_tenant_id, s.fence, s.every, s.failures,
              s.last_success_at, s.cursor_version, s.requested_run_id, s.requested_full, s.has_pages, s.escrow_due_at
            """
        );
        command.Parameters.Add(new() { Value = owner });
        command.Parameters.Add(new() { Value = Duration });
        command.Parameters.Add(new() { Value = limit });
        var claimed = new List<SyncLease>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            claimed.Add(
                new(
                    reader.GetGuid(0),
                    reader.GetGuid(1),
                    reader.GetGuid(2),
                    reader.GetInt64(3),
                    (TimeSpan)reader[4],
                    reader.GetInt32(5),
                    reader[6] is DateTime at ? new DateTimeOffset(at) : null,
                    reader.GetInt64(7),
                    reader[8] as Guid?,
                    reader.GetBoolean(9)
                )
                {
                    HasPages = reader.GetBoolean(10),
                    EscrowDueAt = reader[11] is DateTime due ? new DateTimeOffset(due) : null,
                }
            );
        }

        return claimed;
    }

    /// <summary>Prolongs leases that still run; returns those that are still ours.</summary>
    public async Task<HashSet<(Guid Client, long Fence)>> HeartbeatAsync(
        IReadOnlyCollection<SyncLease> leases,
        CancellationToken ct
    )
    {
        // A round that has just ended has given its time already.
        await using var command = database.Source.CreateCommand(
            """
            update client_sync s set next_at = case when owner is null then next_at else now() + $1 end
            from unnest($2, $3) d (client_id, fence)
            where s.client_id = d.client_id and s.fence = d.fence
            returning s.client_id, s.fence
            """
        );
        command.Parameters.Add(new() { Value = Duration });
        command.Parameters.Add(new() { Value = leases.Select(l => l.ClientId).ToArray() });
        command.Parameters.Add(new() { Value = leases.Select(l => l.Fence).ToArray() });
        return await HeldAsync(command, ct);
    }

    /// <summary>Ends a successful round in the caller's transaction: cursors and due time move together with the data.</summary>
    /// <param name="now">By the clock people see: how old a roster is decides on their mails.</param>
    /// <exception cref="LeaseLostException">Another worker has the client: roll back.</exception>
    public static async Task CompleteAsync(
        NpgsqlConnection connection,
        SyncLease lease,
        string? usersCursor,
        string? groupsCursor,
        DateTimeOffset now,
        CancellationToken ct
    )
    {
        await using var command = new NpgsqlCommand(Complete, connection);
        Bind(command, [new(lease, usersCursor, groupsCursor)], now);
        if ((await HeldAsync(command, ct)).Count != 1)
        {
            throw new LeaseLostException();
        }
    }

    /// <summary>Ends rounds that changed nothing, all at once; returns those that were still ours.</summary>
    public async Task<HashSet<(Guid Client, long Fence)>> CompleteAsync(
        IReadOnlyList<RoundEnd> rounds,
        DateTimeOffset now,
        CancellationToken ct
    )
    {
        await using var command = database.Source.CreateCommand(Complete);
        Bind(command, rounds, now);
        return await HeldAsync(command, ct);
    }

    /// <summary>
    /// Ends what was asked for and was no round, a dry run or one person's sync: the client is due when it would have been,
    /// and nothing else moves.
    /// </summary>
    public static async Task ReturnAsync(
        NpgsqlConnection connection,
        SyncLease lease,
        Guid runId,
        DateTimeOffset? dueAt,
        CancellationToken ct
    )
    {
        await using var command = new NpgsqlCommand(
            """
            update client_sync set owner = null, priority = 5, requested_run_id = nullif(requested_run_id, $1),
              requested_full = requested_full and requested_run_id is distinct from $1,
              has_pages = exists (select 1 from staged_page p where p.client_id = $3),
              next_at = case when requested_run_id is distinct from $1 or hinted_at > claimed_at then now()
                else greatest(now(), coalesce($2, now() + every)) end
            where client_id = $3 and fence = $4
            """,
            connection
        );
        command.Parameters.Add(new() { Value = runId });
        command.Parameters.Add(
            new() { Value = (object?)dueAt ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz }
        );
        command.Parameters.Add(new() { Value = lease.ClientId });
        command.Parameters.Add(new() { Value = lease.Fence });
        if (await command.ExecuteNonQueryAsync(ct) != 1)
        {
            throw new LeaseLostException();
        }
    }

    /// <summary>Ends a failed attempt: the next one comes after the delay, not before; the cursors stay.</summary>
    public static async Task FailAsync(
        NpgsqlConnection connection,
        SyncLease lease,
        TimeSpan delay,
        bool forgetCursors,
        CancellationToken ct
    )
    {
        await using var command = new NpgsqlCommand(
            """
            update client_sync set owner = null, failures = failures + 1, next_at = now() + $1 * (1 + random() * 0.2),
              users_cursor = case when $2 then null else users_cursor end,
              groups_cursor = case when $2 then null else groups_cursor end,
              has_pages = has_pages and not $2,
              cursor_version = cursor_version + 1
            where client_id = $3 and fence = $4
            """,
            connection
        );
        command.Parameters.Add(new() { Value = delay });
        command.Parameters.Add(new() { Value = forgetCursors });
        command.Parameters.Add(new() { Value = lease.ClientId });
        command.Parameters.Add(new() { Value = lease.Fence });
        if (await command.ExecuteNonQueryAsync(ct) != 1)
        {
            throw new LeaseLostException();
        }
    }

    private static void Bind(NpgsqlCommand command, IReadOnlyList<RoundEnd> rounds, DateTimeOffset now)
    {
        const NpgsqlDbType texts = NpgsqlDbType.Array | NpgsqlDbType.Text;
        command.Parameters.Add(new() { Value = rounds.Select(r => r.Lease.ClientId).ToArray() });
        command.Parameters.Add(new() { Value = rounds.Select(r => r.Lease.Fence).ToArray() });
        command.Parameters.Add(new() { Value = rounds.Select(r => r.UsersCursor).ToArray(), NpgsqlDbType = texts });
        command.Parameters.Add(new() { Value = rounds.Select(r => r.GroupsCursor).ToArray(), NpgsqlDbType = texts });
        command.Parameters.Add(
            new()
            {
                Value = rounds.Select(r => r.Lease.RequestedRunId).ToArray(),
                NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid,
            }
        );
        command.Parameters.Add(new() { Value = EntraProperties.Signature });
        command.Parameters.Add(new() { Value = now });
        command.Parameters.Add(new() { Value = HintPause });
    }

    private static async Task<HashSet<(Guid Client, long Fence)>> HeldAsync(NpgsqlCommand command, CancellationToken ct)
    {
        var held = new HashSet<(Guid Client, long Fence)>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            held.Add((reader.GetGuid(0), reader.GetInt64(1)));
        }

        return held;
    }
}

/// <summary>Another worker holds the client now; whatever this one did must be rolled back.</summary>
public sealed class LeaseLostException() : Exception("The lease has passed to another worker");
