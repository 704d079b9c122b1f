using System.ComponentModel.DataAnnotations;
using System.Threading.RateLimiting;
using Grpc.Core;
using Microsoft.Extensions.Options;
using Rollcall.Platform;

namespace Rollcall.Edge;

/// <summary>Section Edge:Limits. Per caller, and per instance of edge.</summary>
public sealed class CallLimitOptions
{
    /// <summary>Calls a caller may make per second in the long run.</summary>
    [Range(1, 100_000)]
    public int CallsPerSecond { get; set; } = 200;

    /// <summary>Calls it may make at once after a pause.</summary>
    [Range(1, 1_000_000)]
    public int Burst { get; set; } = 1_000;
}

/// <summary>A token bucket per caller, so that one busy partner leaves room for the others.</summary>
public sealed class CallLimits(IOptions<CallLimitOptions> options) : IDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(100);

    private readonly PartitionedRateLimiter<string> limiter = PartitionedRateLimiter.Create<string, string>(caller =>
        RateLimitPartition.GetTokenBucketLimiter(caller, _ => Bucket(options.Value))
    );

    /// <summary>Null if the call may go on.</summary>
    public AppException? Refuse(string caller)
    {
        using var lease = limiter.AttemptAcquire(caller);
        return lease.IsAcquired
            ? null
            : new(StatusCode.ResourceExhausted, "RATE_LIMITED", "Too many calls; slow down")
            {
                RetryAfter = lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait : Period,
            };
    }

    public void Dispose() => limiter.Dispose();

    /// <summary>Full again in whole tokens ten times a second; slower rates get one token at a longer period.</summary>
    private static TokenBucketRateLimiterOptions Bucket(CallLimitOptions limits)
    {
        var perPeriod = Math.Max(1, (int)(limits.CallsPerSecond * Period.TotalSeconds));
        return new()
        {
            TokenLimit = limits.Burst,
            TokensPerPeriod = perPeriod,
            ReplenishmentPeriod = TimeSpan.FromSeconds((double)perPeriod / limits.CallsPerSecond),
            AutoReplenishment = false,
        };
    }
}
