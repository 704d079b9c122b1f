using Google.Protobuf;
using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Graph;
using StackExchange.Redis;

namespace Rollcall.DirectorySync.Sync;

/// <summary>What runs under way show of themselves, one for each client, in the cache. Without it they are just quiet.</summary>
public sealed partial class ProgressBoard(
    Cache cache,
    IServiceScopeFactory scopes,
    GraphDirectory graph,
    ILogger<ProgressBoard> logger
)
{
    /// <summary>Longer than a page takes, or applying what was read.</summary>
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(2);

    public async Task WriteAsync(SyncLease lease, SyncRun run) =>
        await cache.TryAsync(redis =>
            redis.StringSetAsync(Key(lease.MspId, lease.ClientId), run.ToByteArray(), Lifetime)
        );

    public async Task RemoveAsync(SyncLease lease) =>
        await cache.TryAsync(redis => redis.KeyDeleteAsync(Key(lease.MspId, lease.ClientId)));

    /// <summary>The client's latest long run as it showed itself; null if there is none.</summary>
    public async Task<SyncRun?> ReadAsync(Guid mspId, Guid clientId)
    {
        var value = RedisValue.Null;
        await cache.TryAsync(async redis => value = await redis.StringGetAsync(Key(mspId, clientId)));
        return value.HasValue ? SyncRun.Parser.ParseFrom((byte[])value!) : null;
    }

    /// <summary>How many people a round over everybody will meet: as many as last time, else as Graph counts; 0 if unknown.</summary>
    public async Task<int> ExpectedAsync(SyncLease lease)
    {
        try
        {
            await using var scope = scopes.Enter(lease);
            var db = scope.ServiceProvider.GetRequiredService<DirectoryDbContext>();
            await using var transaction = await db.BeginAsync(CancellationToken.None);
            var known = await db.Users.CountAsync(u =>
                u.ClientId == lease.ClientId
                && u.Authority == Source.Microsoft365
                && (u.State == UserState.Active || u.State == UserState.Disabled)
            );
            await transaction.DisposeAsync();
            return known > 0 ? known : await graph.CountUsersAsync(lease.DirectoryTenantId, CancellationToken.None);
        }
        catch (Exception e) when (e is GraphException or System.Data.Common.DbException)
        {
            LogUnknown(lease.ClientId, e);
            return 0;
        }
    }

    private static RedisKey Key(Guid mspId, Guid clientId) => $"rollcall:{mspId}:{clientId}:progress";

    [LoggerMessage(Level = LogLevel.Information, Message = "Client {ClientId}: nobody knows how many people to expect")]
    private partial void LogUnknown(Guid clientId, Exception e);
}
