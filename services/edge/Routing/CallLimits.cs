using System.ComponentModel.DataAnnotations;
using System.Threading.RateLimiting;
using Grpc.Core;
using Microsoft.Extensions.Options;
using Rollcall.Platform;

namespace Rollcall.Edge;

/// <summary>Section Edge:Limits. Each holds per instance of edge.</summary>
public sealed class LimitOptions
{
    public const string Section = "Edge:Limits";

    /// <summary>Calls a caller may make per second in the long run.</summary>
    [Range(1, 100_000)]
    public int CallsPerSecond { get; set; } = 200;

    /// <summary>Calls it may make at once after a pause.</summary>
    [Range(1, 1_000_000)]
    public int Burst { get; set; } = 1_000;

    /// <summary>Streams a caller may hold open at the same time.</summary>
    [Range(1, 10_000)]
    public int Streams { get; set; } = 100;

    /// <summary>Token requests and consent answers per second from one address: checking a secret costs a few milliseconds.</summary>
    [Range(1, 100_000)]
    public int SignInsPerSecond { get; set; } = 100;

    /// <summary>The same at once after a pause.</summary>
    [Range(1, 1_000_000)]
    public int SignInBurst { get; set; } = 500;

    /// <summary>How long a unary call may stay without an answer, if its caller sets no shorter deadline.</summary>
    public TimeSpan CallTimeout { get; set; } = TimeSpan.FromSeconds(100);
}

/// <summary>A token bucket per caller, so that one busy partner leaves room for the others.</summary>
public sealed class CallLimits(IOptions<LimitOptions> options) : IDisposable
{
    private readonly PartitionedRateLimiter<string> calls = Buckets(options.Value.CallsPerSecond, options.Value.Burst);
    private readonly PartitionedRateLimiter<string> signIns = Buckets(
        options.Value.SignInsPerSecond,
        options.Value.SignInBurst
    );
    private readonly PartitionedRateLimiter<string> streams = PartitionedRateLimiter.Create<string, string>(
        caller =>
            RateLimitPartition.GetConcurrencyLimiter(
                caller,
                _ => new() { PermitLimit = options.Value.Streams, QueueLimit = 0 }
            ),
        StringComparer.Ordinal
    );

    /// <summary>Counts one call, or says how long to wait.</summary>
    public void TakeCall(string caller)
    {
        using var lease = calls.AttemptAcquire(caller);
        if (!lease.IsAcquired)
        {
            throw new AppException(StatusCode.ResourceExhausted, "RATE_LIMITED", "Too many calls; slow down")
            {
                RetryAfter = Wait(lease),
            };
        }
    }

    /// <summary>A place for one stream, given back when disposed.</summary>
    public IDisposable TakeStream(string caller)
    {
        var lease = streams.AttemptAcquire(caller);
        return lease.IsAcquired
            ? lease
            : throw new AppException(
                StatusCode.ResourceExhausted,
                "TOO_MANY_STREAMS",
                $"No more than {options.Value.Streams} open streams at a time"
            )
            {
                RetryAfter = TimeSpan.FromSeconds(10),
            };
    }

    /// <summary>Null if the request may go on, else how long to wait.</summary>
    public TimeSpan? RefuseSignIn(string address)
    {
        using var lease = signIns.AttemptAcquire(address);
        return lease.IsAcquired ? null : Wait(lease);
    }

    public void Dispose()
    {
        calls.Dispose();
        signIns.Dispose();
        streams.Dispose();
    }

    private static TimeSpan Wait(RateLimitLease lease) =>
        lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait : TimeSpan.FromSeconds(1);

    /// <summary>Filled up ten times a second, in whole tokens; rates under ten per second get one token at a time.</summary>
    private static PartitionedRateLimiter<string> Buckets(int perSecond, int burst)
    {
        var perPeriod = Math.Max(1, perSecond / 10);
        return PartitionedRateLimiter.Create<string, string>(
            key =>
                RateLimitPartition.GetTokenBucketLimiter(
                    key,
                    _ =>
                        new()
                        {
                            TokenLimit = burst,
                            TokensPerPeriod = perPeriod,
                            ReplenishmentPeriod = TimeSpan.FromSeconds((double)perPeriod / perSecond),
                            QueueLimit = 0,
                            AutoReplenishment = false,
                        }
                ),
            StringComparer.Ordinal
        );
    }
}
