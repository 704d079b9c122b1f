using StackExchange.Redis;

namespace Rollcall.DirectorySync.Data;

/// <summary>
/// Redis, which may be away: whoever wanted something of it goes on without. A Redis that hangs is left alone for a
/// while, so that not each of them waits for it.
/// </summary>
public sealed partial class Cache(IConnectionMultiplexer redis, ILogger<Cache> logger)
{
    private static readonly TimeSpan LeaveAlone = TimeSpan.FromSeconds(2);
    private long leftAloneAt;

    /// <summary>Says once, when it went, that it is away.</summary>
    private volatile bool isAway;

    public static ConfigurationOptions Options(string connectionString)
    {
        var options = ConfigurationOptions.Parse(connectionString);
        // A cache that is down when we start is no reason not to.
        options.AbortOnConnectFail = false;
        // What is asked while it is down is answered by Postgres, not kept waiting for its return.
        options.BacklogPolicy = BacklogPolicy.FailFast;
        options.AsyncTimeout = 1000;
        return options;
    }

    public async Task TryAsync(Func<IDatabase, Task> work)
    {
        if (isAway && TimeProvider.System.GetElapsedTime(Volatile.Read(ref leftAloneAt)) < LeaveAlone)
        {
            return;
        }

        try
        {
            await work(redis.GetDatabase());
            if (isAway)
            {
                isAway = false;
                LogBack();
            }
        }
        catch (Exception e) when (e is RedisException or RedisTimeoutException)
        {
            Volatile.Write(ref leftAloneAt, TimeProvider.System.GetTimestamp());
            if (!isAway)
            {
                isAway = true;
                LogAway(e.GetType().Name);
            }
        }
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Redis does not answer ({Error}): cursors and health come from the database, progress is not shown"
    )]
    private partial void LogAway(string error);

    [LoggerMessage(Level = LogLevel.Information, Message = "Redis answers again")]
    private partial void LogBack();
}
