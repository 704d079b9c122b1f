using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Options;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Sync;

/// <summary>
/// Claims due clients and runs their syncs, many at a time and each by itself. Polls, clients in trouble and full
/// rounds have places of their own: however many clients hang, the others are read on time.
/// </summary>
public sealed partial class SyncScheduler : BackgroundService
{
    private const int MostAtOnce = 200;
    private static readonly TimeSpan IdleDelay = TimeSpan.FromMilliseconds(500);

    /// <summary>With more to do than places: lets some come free, so that a claim takes many clients.</summary>
    private static readonly TimeSpan BusyDelay = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan HeartbeatEvery = TimeSpan.FromSeconds(15);
    private static readonly Histogram<double> Claims = Telemetry.Meter.CreateHistogram<double>(
        "rollcall.sync.claim",
        "s",
        "Time to claim due clients and load their cursors"
    );

    private readonly Leases leases;
    private readonly Cursors cursors;
    private readonly SyncRunner runner;
    private readonly SyncSignal signal;
    private readonly ILogger<SyncScheduler> logger;
    private readonly TimeSpan slowAfter;
    private readonly Lane trouble;
    private readonly Lane[] lanes;
    private readonly ConcurrentDictionary<(Guid Client, long Fence), Run> running = new();

    public SyncScheduler(
        Leases leases,
        Cursors cursors,
        SyncRunner runner,
        SyncSignal signal,
        IOptions<SyncOptions> options,
        ILogger<SyncScheduler> logger
    )
    {
        (this.leases, this.cursors, this.runner) = (leases, cursors, runner);
        (this.signal, this.logger, slowAfter) = (signal, logger, options.Value.SlowAfter);
        trouble = new("failures > 0", options.Value.TroublePlaces);
        lanes =
        [
            new("failures = 0 and users_cursor is not null and not requested_full", options.Value.Places),
            trouble,
            new("failures = 0 and (users_cursor is null or requested_full)", options.Value.FullPlaces),
        ];
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        _ = HeartbeatAsync(stoppingToken);
        while (!stoppingToken.IsCancellationRequested)
        {
            var more = false;
            try
            {
                foreach (var lane in lanes)
                {
                    more |= await ClaimAsync(lane, stoppingToken);
                }
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                LogClaimFailed(e);
            }

            await signal.WaitAsync(more ? BusyDelay : IdleDelay, stoppingToken);
        }
    }

    /// <summary>True if more clients may be due than there were places.</summary>
    private async Task<bool> ClaimAsync(Lane lane, CancellationToken ct)
    {
        var limit = Math.Min(lane.Free, MostAtOnce);
        if (limit <= 0)
        {
            return true;
        }

        var start = Stopwatch.GetTimestamp();
        var claimed = await leases.ClaimAsync(lane.Which, limit, ct);
        if (claimed.Count == 0)
        {
            return false;
        }

        var loaded = await cursors.LoadAsync(claimed, ct);
        Claims.Record(Stopwatch.GetElapsedTime(start).TotalSeconds);
        foreach (var lease in loaded)
        {
            lane.Enter();
            _ = Task.Run(() => RunAsync(new(lease, new()), lane, ct), CancellationToken.None);
        }

        return claimed.Count == limit;
    }

    private async Task RunAsync(Run run, Lane lane, CancellationToken stoppingToken)
    {
        var lease = run.Lease;
        running[lease.Key] = run;
        try
        {
            var work = runner.RunAsync(lease, run.Cancel.Token);
            if (lane != trouble && await Task.WhenAny(work, Task.Delay(slowAfter, CancellationToken.None)) != work)
            {
                lane.Leave();
                lane = trouble;
                lane.Enter();
            }

            await work;
        }
        catch (Exception e) when (e is LeaseLostException or OperationCanceledException)
        {
            LogLeaseLost(lease.ClientId);
        }
        catch (Exception e) when (!stoppingToken.IsCancellationRequested)
        {
            // The lease runs out by itself and the client comes again.
            LogRunFailed(lease.ClientId, e);
        }
        finally
        {
            running.TryRemove(lease.Key, out _);
            lane.Leave();
        }
    }

    /// <summary>Prolongs all leases that run in one statement, and stops those that another worker has.</summary>
    private async Task HeartbeatAsync(CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            await Task.Delay(HeartbeatEvery, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            var runs = running.Values.ToList();
            try
            {
                var held = ct.IsCancellationRequested
                    ? []
                    : await leases.HeartbeatAsync(runs.ConvertAll(r => r.Lease), ct);
                foreach (var lost in runs.Where(r => !held.Contains(r.Lease.Key)))
                {
                    await lost.Cancel.CancelAsync();
                }
            }
            catch (Exception e) when (!ct.IsCancellationRequested)
            {
                // Not knowing is not losing: the fence decides at the commit.
                LogHeartbeatFailed(runs.Count, e);
            }
        }
    }

    private sealed record Run(SyncLease Lease, CancellationTokenSource Cancel);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Due clients could not be claimed; trying again")]
    private partial void LogClaimFailed(Exception e);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Client {ClientId}: the lease has passed on; nothing was written"
    )]
    private partial void LogLeaseLost(Guid clientId);

    [LoggerMessage(Level = LogLevel.Error, Message = "Client {ClientId}: sync broke off; nothing was written")]
    private partial void LogRunFailed(Guid clientId, Exception e);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Count} leases could not be prolonged")]
    private partial void LogHeartbeatFailed(int count, Exception e);
}

/// <summary>Wakes the scheduler for a sync somebody asked for.</summary>
public sealed class SyncSignal : Signal;
