using System.Collections.Concurrent;
using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;
using Polly;
using Polly.CircuitBreaker;

namespace Rollcall.DirectorySync.Graph;

/// <summary>What a call is for. Graph sheds low ones first, and they may use only half of what the application has.</summary>
public enum GraphUrgency
{
    /// <summary>First and other full rounds.</summary>
    Low,
    Normal,

    /// <summary>Somebody waits for it.</summary>
    High,
}

/// <summary>
/// How fast Graph may be called: units for each directory and for the application, the waits Graph asked for, and a
/// circuit for each directory that does not answer. Never waits itself: whoever comes too early is told when to return.
/// </summary>
public sealed class GraphPace : IDisposable
{
    /// <summary>Under this key are the waits of the whole application.</summary>
    private static readonly Guid Application = Guid.Empty;
    private static readonly TimeSpan LongestPause = TimeSpan.FromHours(1);

    private readonly GraphOptions options;
    private readonly GraphShare? share;
    private readonly PartitionedRateLimiter<(Guid Directory, GraphUrgency Urgency)> units;
    private readonly ConcurrentDictionary<Guid, Pause> pauses = new();

    /// <summary>Only of directories that failed and have not answered since.</summary>
    private readonly ConcurrentDictionary<Guid, ResiliencePipeline> circuits = new();

    /// <param name="share">Other instances of the service; null: there are none.</param>
    public GraphPace(IOptions<GraphOptions> options, GraphShare? share = null)
    {
        this.options = options.Value;
        this.share = share;
        var (tenant, app) = (TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(20));
        units = PartitionedRateLimiter.CreateChained(
            Limiter(c => c.Directory, _ => this.options.TenantUnits, tenant),
            Limiter(c => c.Urgency == GraphUrgency.Low, low => this.options.AppUnits / (low ? 2 : 1), app),
            Limiter(_ => Application, _ => this.options.AppUnits, app)
        );
    }

    /// <summary>Calls Graph for the directory if it may be called now.</summary>
    /// <param name="cost">In Graph's resource units.</param>
    /// <exception cref="GraphException">Of the call; or with the time after which it may be tried.</exception>
    public async Task<T> CallAsync<T>(
        Guid directory,
        GraphUrgency urgency,
        int cost,
        Func<CancellationToken, ValueTask<T>> call,
        CancellationToken ct
    )
    {
        await HearAsync(Application);
        await HearAsync(directory);
        AwaitPause(Application);
        AwaitPause(directory);
        Take(directory, urgency, cost);
        try
        {
            var answer = circuits.TryGetValue(directory, out var circuit)
                ? await circuit.ExecuteAsync(call, ct)
                : await call(ct);
            Answered(directory);
            return answer;
        }
        catch (BrokenCircuitException e)
        {
            throw new GraphException(
                GraphFailure.Transient,
                "CIRCUIT_OPEN",
                "the directory has not answered for a while; it is left alone for a moment",
                e
            )
            {
                RetryAfter = e.RetryAfter ?? options.BreakFor,
            };
        }
        catch (GraphException e) when (e.Failure == GraphFailure.Throttled)
        {
            throw await PausedAsync(e.WholeApplication ? Application : directory, e);
        }
        catch (GraphException e) when (e.Failure == GraphFailure.Transient)
        {
            circuits.TryAdd(directory, Circuit());
            throw;
        }
    }

    public void Dispose() => units.Dispose();

    /// <summary>What another instance was told binds this one too.</summary>
    private async Task HearAsync(Guid key)
    {
        if (share is { Instances: > 1 } && !(pauses.TryGetValue(key, out var known) && known.Left > TimeSpan.Zero))
        {
            var left = await share.PauseAsync(key);
            if (left > TimeSpan.Zero)
            {
                pauses[key] = new(TimeProvider.System.GetTimestamp(), left, known?.InARow ?? 0);
            }
        }
    }

    private void AwaitPause(Guid key)
    {
        if (pauses.TryGetValue(key, out var pause) && pause.Left is { } left && left > TimeSpan.Zero)
        {
            throw Wait("THROTTLED", "Microsoft 365 asked us to wait", left);
        }
    }

    private void Take(Guid directory, GraphUrgency urgency, int cost)
    {
        // Each instance has its part of the units, which is as if its calls cost more.
        var dear = Math.Max(
            1,
            Math.Min(cost * (share?.Instances ?? 1), Math.Min(options.TenantUnits / 2, options.AppUnits / 4))
        );
        using var taken = units.AttemptAcquire((directory, urgency), dear);
        if (!taken.IsAcquired)
        {
            var wait = taken.TryGetMetadata(MetadataName.RetryAfter, out var after) ? after : TimeSpan.FromSeconds(1);
            throw Wait("OWN_LIMIT", "more calls would be too many for Microsoft 365", wait);
        }
    }

    /// <summary>The wait Graph asked for binds every call to the directory; without one, each refusal in a row doubles ours.</summary>
    private async Task<GraphException> PausedAsync(Guid key, GraphException error)
    {
        var inARow = pauses.TryGetValue(key, out var last) ? last.InARow + 1 : 1;
        var wait = error.RetryAfter ?? options.RetryDelay * Math.Pow(2, Math.Min(inARow, 12)) * Jitter();
        wait = wait > LongestPause ? LongestPause : wait;
        pauses[key] = new(TimeProvider.System.GetTimestamp(), wait, inARow);
        await (share?.TellAsync(key, wait) ?? Task.CompletedTask);
        return new(error.Failure, error.Code, error.Message, error) { RetryAfter = wait };
    }

    private void Answered(Guid directory)
    {
        circuits.TryRemove(directory, out _);

        // An answer to a call from before the pause does not end it.
        if (pauses.TryGetValue(directory, out var pause) && pause.Left <= TimeSpan.Zero)
        {
            pauses.TryRemove(new(directory, pause));
        }
    }

    private ResiliencePipeline Circuit() =>
        new ResiliencePipelineBuilder()
            .AddCircuitBreaker(
                new()
                {
                    // Made by the first failure; an answer ends it, so that only failures in a row count.
                    FailureRatio = 1,
                    MinimumThroughput = options.BreakAfter - 1,
                    SamplingDuration = TimeSpan.FromHours(1),
                    BreakDuration = options.BreakFor,
                    ShouldHandle = new PredicateBuilder().Handle<GraphException>(e =>
                        e.Failure == GraphFailure.Transient
                    ),
                }
            )
            .Build();

    /// <summary>Half of the units at once, half spread: never more than Graph counts in any window. The idle are forgotten.</summary>
    private static PartitionedRateLimiter<(Guid Directory, GraphUrgency Urgency)> Limiter<TKey>(
        Func<(Guid Directory, GraphUrgency Urgency), TKey> key,
        Func<TKey, int> limit,
        TimeSpan window
    )
        where TKey : notnull =>
        PartitionedRateLimiter.Create<(Guid Directory, GraphUrgency Urgency), TKey>(c =>
            RateLimitPartition.GetTokenBucketLimiter(
                key(c),
                k =>
                    new()
                    {
                        TokenLimit = Math.Max(1, limit(k) / 2),
                        TokensPerPeriod = Math.Max(1, (int)(limit(k) / 2 / window.TotalSeconds)),
                        ReplenishmentPeriod = TimeSpan.FromSeconds(1),
                        QueueLimit = 0,
                    }
            )
        );

    private static GraphException Wait(string code, string message, TimeSpan wait) =>
        new(GraphFailure.Throttled, code, message) { RetryAfter = wait };

    private static double Jitter() => 1 + (Random.Shared.NextDouble() * 0.2);

    private sealed record Pause(long Since, TimeSpan Wait, int InARow)
    {
        public TimeSpan Left => Wait - TimeProvider.System.GetElapsedTime(Since);
    }
}
