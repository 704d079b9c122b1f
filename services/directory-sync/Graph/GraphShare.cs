using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Rollcall.DirectorySync.Graph;

/// <summary>
/// What the instances of this service tell each other through Redis: how many they are, for Microsoft counts the calls of
/// the application and not of a process, and which directories asked to be left alone. Without Redis each goes by what
/// it knows.
/// </summary>
public sealed partial class GraphShare(
    IConnectionMultiplexer redis,
    IOptions<GraphOptions> options,
    ILogger<GraphShare> logger
) : BackgroundService
{
    private const int BeatSeconds = 5;

    /// <summary>By Redis' own clock. Who misses three beats is gone.</summary>
    private const string Beat = """
        local now = tonumber(redis.call('time')[1])
        redis.call('zadd', KEYS[1], now, ARGV[1])
        redis.call('zremrangebyscore', KEYS[1], '-inf', now - 3 * tonumber(ARGV[2]))
        redis.call('expire', KEYS[1], 60)
        return redis.call('zcard', KEYS[1])
        """;

    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(1);
    private readonly string me = Guid.CreateVersion7().ToString();
    private volatile int instances = 1;

    /// <summary>Of this application, at Graph; as last heard.</summary>
    public int Instances => instances;

    private RedisKey Members => $"rollcall:graph:{options.Value.ClientId}:instances";

    /// <summary>Says that this instance lives, and counts those that do.</summary>
    public Task BeatAsync() =>
        TryAsync(async () =>
            instances = Math.Max(
                1,
                (int)await redis.GetDatabase().ScriptEvaluateAsync(Beat, [Members], [me, BeatSeconds])
            )
        );

    /// <summary>How long others were told to leave the directory, or Graph as a whole, alone; zero: not at all.</summary>
    public async Task<TimeSpan> PauseAsync(Guid directory)
    {
        var left = TimeSpan.Zero;
        if (instances > 1)
        {
            await TryAsync(async () => left = await redis.GetDatabase().KeyTimeToLiveAsync(Key(directory)) ?? left);
        }

        return left;
    }

    /// <summary>Nobody waits for the word to get through.</summary>
    public Task TellAsync(Guid directory, TimeSpan pause) =>
        TryAsync(() =>
            redis.GetDatabase().StringSetAsync(Key(directory), me, pause, flags: CommandFlags.FireAndForget)
        );

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            await BeatAsync();
            await Task.Delay(TimeSpan.FromSeconds(BeatSeconds), stoppingToken);
        }
    }

    private RedisKey Key(Guid directory) => $"rollcall:{directory}:graph:{options.Value.ClientId}:pause";

    private async Task TryAsync(Func<Task> work)
    {
        if (!redis.IsConnected)
        {
            return;
        }

        try
        {
            await work().WaitAsync(LongestWait);
        }
        catch (Exception e) when (e is RedisException or TimeoutException or ObjectDisposedException)
        {
            LogDown(e.GetType().Name);
        }
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Redis does not answer ({Error}); the pace at Graph goes by what this instance knows"
    )]
    private partial void LogDown(string error);
}
