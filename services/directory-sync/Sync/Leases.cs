using Npgsql;
using NpgsqlTypes;
using Rollcall.DirectorySync.Graph;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Sync;

/// <summary>
/// Claims due clients from the lease table, on database time. A claim raises the fence and pushes the due time past
/// the lease, so a worker that dies loses the client to the next one by itself.
/// </summary>
public sealed class Leases(WorkerDatabase database)
{
    public static readonly TimeSpan Duration = TimeSpan.FromSeconds(60);
    private readonly string owner = $"{Environment.MachineName}:{Environment.ProcessId}";

    public async Task<List<SyncLease>> ClaimAsync(int limit, CancellationToken ct)
    {
        await using var command = database.Source.CreateCommand(
            """
            update client_sync s
            set owner = $1, next_at = now() + $2, fence = fence + 1
            from (
              select client_id from client_sync
              where next_at <= now() and not disabled
              order by priority, next_at limit $3 for update skip locked) due
            where due.client_id = s.client_id
            returning s.msp_id, s.client_id, s.directory_tenant_id, s.fence, s.every, s.failures,
              s.last_success_at, s.cursor_version, s.requested_run_id, s.requested_full
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
            );
        }

        return claimed;
    }

    /// <summary>Prolongs the lease; false once another worker has the client.</summary>
    public async Task<bool> HeartbeatAsync(SyncLease lease, CancellationToken ct)
    {
        await using var command = database.Source.CreateCommand(
            "update client_sync set next_at = now() + $1 where client_id = $2 and fence = $3"
        );
        command.Parameters.Add(new() { Value = Duration });
        command.Parameters.Add(new() { Value = lease.ClientId });
        command.Parameters.Add(new() { Value = lease.Fence });
        return await command.ExecuteNonQueryAsync(ct) == 1;
    }

    /// <summary>
    /// Ends a successful round in the caller's transaction: cursors and due time move together with the data, and only
    /// under our fence. Without cursors a full round follows at once.
    /// </summary>
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
        // Jitter keeps clients that started together from lining up for ever.
        await using var command = new NpgsqlCommand(
            """
            update client_sync set owner = null, failures = 0, users_cursor = $1, groups_cursor = $2, cursor_select = $3,
              cursor_version = cursor_version + 1, requested_run_id = nullif(requested_run_id, $6),
              requested_full = requested_full and requested_run_id is distinct from $6, last_success_at = $7,
              next_at = case when $1 is null
                  or requested_run_id is distinct from nullif($6, '00000000-0000-0000-0000-000000000000')
                then now() else now() + every * (0.9 + random() * 0.2) end
            where client_id = $4 and fence = $5
            """,
            connection
        );
        command.Parameters.Add(
            new() { Value = (object?)usersCursor ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text }
        );
        command.Parameters.Add(
            new() { Value = (object?)groupsCursor ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text }
        );
        command.Parameters.Add(new() { Value = EntraProperties.Signature });
        command.Parameters.Add(new() { Value = lease.ClientId });
        command.Parameters.Add(new() { Value = lease.Fence });
        command.Parameters.Add(new() { Value = lease.RequestedRunId ?? Guid.Empty });
        command.Parameters.Add(new() { Value = now });
        if (await command.ExecuteNonQueryAsync(ct) != 1)
        {
            throw new LeaseLostException();
        }
    }

    /// <summary>Ends a failed attempt: the next one comes after the delay; the cursors stay.</summary>
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
            update client_sync set owner = null, failures = failures + 1, next_at = now() + $1 * (0.9 + random() * 0.2),
              users_cursor = case when $2 then null else users_cursor end,
              groups_cursor = case when $2 then null else groups_cursor end,
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
}

/// <summary>Another worker holds the client now; whatever this one did must be rolled back.</summary>
public sealed class LeaseLostException() : Exception("The lease has passed to another worker");
