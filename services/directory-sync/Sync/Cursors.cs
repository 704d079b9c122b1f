using System.Text.Json;
using Rollcall.DirectorySync.Graph;
using Rollcall.Platform;
using StackExchange.Redis;

namespace Rollcall.DirectorySync.Sync;

/// <summary>
/// The delta links of a client: in Postgres, cached in Redis. A cached pair counts only under the version of the lease
/// row, so that it can be neither older nor newer than the data; without Redis the row is read.
/// </summary>
public sealed partial class Cursors(WorkerDatabase database, IConnectionMultiplexer redis, ILogger<Cursors> logger)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(7);

    /// <summary>The lease with its cursors; without them if they belong to another property set.</summary>
    public async Task<SyncLease> LoadAsync(SyncLease lease, CancellationToken ct)
    {
        var cursor = await CachedAsync(lease) ?? await StoredAsync(lease, ct);
        return
            cursor is { Users: { } users, Groups: { } groups, Select: var select }
            && select == EntraProperties.Signature
            ? lease with
            {
                UsersCursor = users,
                GroupsCursor = groups,
            }
            : lease;
    }

    /// <summary>After the commit that stored them.</summary>
    public async Task CacheAsync(SyncLease lease, string users, string groups)
    {
        var cursor = new Cursor(lease.CursorVersion + 1, users, groups, EntraProperties.Signature);
        await TryAsync(async () =>
            await redis.GetDatabase().StringSetAsync(Key(lease), JsonSerializer.SerializeToUtf8Bytes(cursor), Lifetime)
        );
    }

    private async Task<Cursor?> CachedAsync(SyncLease lease)
    {
        var value = RedisValue.Null;
        await TryAsync(async () => value = await redis.GetDatabase().StringGetAsync(Key(lease)));
        return
            value.HasValue
            && JsonSerializer.Deserialize<Cursor>((byte[])value!) is { } cursor
            && cursor.Version == lease.CursorVersion
            ? cursor
            : null;
    }

    private async Task<Cursor?> StoredAsync(SyncLease lease, CancellationToken ct)
    {
        await using var command = database.Source.CreateCommand(
            "select users_cursor, groups_cursor, cursor_select from client_sync where client_id = $1"
        );
        command.Parameters.Add(new() { Value = lease.ClientId });
        await using var reader = await command.ExecuteReaderAsync(ct);
        return await reader.ReadAsync(ct)
            ? new(lease.CursorVersion, reader[0] as string, reader[1] as string, reader[2] as string)
            : null;
    }

    private async Task TryAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (Exception e) when (e is RedisException or RedisTimeoutException)
        {
            LogCacheDown(e.GetType().Name);
        }
    }

    private static RedisKey Key(SyncLease lease) => $"rollcall:{lease.MspId}:{lease.ClientId}:cursor";

    private sealed record Cursor(long Version, string? Users, string? Groups, string? Select);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Redis does not answer ({Error}); reading cursors from the database"
    )]
    private partial void LogCacheDown(string error);
}
