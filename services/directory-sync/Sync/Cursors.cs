using System.Text.Json;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Graph;
using Rollcall.Platform;
using StackExchange.Redis;

namespace Rollcall.DirectorySync.Sync;

/// <summary>
/// The delta links of clients: in Postgres, cached in Redis. A cached pair counts only under the version of the lease
/// row, so that it can be neither older nor newer than the data; without Redis the row is read.
/// </summary>
public sealed class Cursors(WorkerDatabase database, Cache cache)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(7);

    /// <summary>The leases with their cursors; without them if they belong to another property set.</summary>
    public async Task<List<SyncLease>> LoadAsync(List<SyncLease> leases, CancellationToken ct)
    {
        var cached = await CachedAsync(leases);
        var missing = leases.Where((_, i) => cached[i] is null).Select(l => l.ClientId).ToArray();
        var stored = missing.Length == 0 ? [] : await StoredAsync(missing, ct);
        return [.. leases.Select((lease, i) => With(lease, cached[i] ?? stored.GetValueOrDefault(lease.ClientId)))];
    }

    /// <summary>After the commit that stored them.</summary>
    public Task CacheAsync(IEnumerable<RoundEnd> rounds) =>
        cache.TryAsync(redis =>
            Task.WhenAll(
                rounds.Select(r =>
                {
                    var cursor = new Cursor(
                        r.Lease.CursorVersion + 1,
                        r.UsersCursor,
                        r.GroupsCursor,
                        EntraProperties.Signature
                    );
                    return redis.StringSetAsync(Key(r.Lease), JsonSerializer.SerializeToUtf8Bytes(cursor), Lifetime);
                })
            )
        );

    private static SyncLease With(SyncLease lease, Cursor? cursor) =>
        cursor is { Users: { } users, Groups: { } groups, Select: var select } && select == EntraProperties.Signature
            ? lease with
            {
                UsersCursor = users,
                GroupsCursor = groups,
            }
            : lease;

    private async Task<Cursor?[]> CachedAsync(List<SyncLease> leases)
    {
        RedisValue[] values = [];
        await cache.TryAsync(async redis => values = await redis.StringGetAsync([.. leases.Select(Key)]));
        return
        [
            .. leases.Select(
                (lease, i) =>
                    i < values.Length
                    && values[i].HasValue
                    && JsonSerializer.Deserialize<Cursor>((byte[])values[i]!) is { } cursor
                    && cursor.Version == lease.CursorVersion
                        ? cursor
                        : null
            ),
        ];
    }

    private async Task<Dictionary<Guid, Cursor>> StoredAsync(Guid[] clients, CancellationToken ct)
    {
        await using var command = database.Source.CreateCommand(
            """
            select client_id, cursor_version, users_cursor, groups_cursor, cursor_select
            from client_sync where client_id = any ($1)
            """
        );
        command.Parameters.Add(new() { Value = clients });
        var stored = new Dictionary<Guid, Cursor>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            stored[reader.GetGuid(0)] = new(
                reader.GetInt64(1),
                reader[2] as string,
                reader[3] as string,
                reader[4] as string
            );
        }

        return stored;
    }

    private static RedisKey Key(SyncLease lease) => $"rollcall:{lease.MspId}:{lease.ClientId}:cursor";

    private sealed record Cursor(long Version, string? Users, string? Groups, string? Select);
}
