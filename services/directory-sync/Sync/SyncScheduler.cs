using Rollcall.Platform;

namespace Rollcall.DirectorySync.Sync;

/// <summary>
/// Claims due clients and runs their syncs, many at a time and each by itself: a client that hangs holds one place
/// until its lease is over, nothing more.
/// </summary>
public sealed partial class SyncScheduler(
    Leases leases,
    SyncRunner runner,
    SyncSignal signal,
    ILogger<SyncScheduler> logger
) : BackgroundService
{
    private const int ClaimSize = 20;
    private const int MaxConcurrency = 64;
    private static readonly TimeSpan IdleDelay = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan HeartbeatEvery = TimeSpan.FromSeconds(15);
    private readonly SemaphoreSlim places = new(MaxConcurrency);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var claimed = 0;
            try
            {
                claimed = await ClaimAndStartAsync(stoppingToken);
            }
            catch (Exception e) when (e is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
            {
                LogClaimFailed(e);
            }

            if (claimed < ClaimSize)
            {
                await signal.WaitAsync(IdleDelay, stoppingToken);
            }
        }
    }

    public override void Dispose()
    {
        places.Dispose();
        base.Dispose();
    }

    private async Task<int> ClaimAndStartAsync(CancellationToken ct)
    {
        // Wait for one place, then take as many clients as there are places.
        await places.WaitAsync(ct);
        places.Release();
        var claimed = await leases.ClaimAsync(Math.Min(ClaimSize, Math.Max(1, places.CurrentCount)), ct);
        foreach (var lease in claimed)
        {
            await places.WaitAsync(ct);
            _ = RunAsync(lease, ct);
        }

        return claimed.Count;
    }

    private async Task RunAsync(SyncLease lease, CancellationToken stoppingToken)
    {
        // Off the scheduler's loop: a claim never waits for somebody's first page.
        await Task.Yield();
        using var run = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        using var beat = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        var heartbeat = HeartbeatAsync(lease, run, beat.Token);
        try
        {
            await runner.RunAsync(lease, run.Token);
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
            await beat.CancelAsync();
            await heartbeat;
            places.Release();
        }
    }

    private async Task HeartbeatAsync(SyncLease lease, CancellationTokenSource run, CancellationToken ct)
    {
        try
        {
            while (true)
            {
                await Task.Delay(HeartbeatEvery, ct);
                if (!await leases.HeartbeatAsync(lease, ct))
                {
                    await run.CancelAsync();
                    return;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The run has ended.
        }
        catch (Npgsql.NpgsqlException e)
        {
            // Not knowing is not losing: the fence decides at the commit.
            LogHeartbeatFailed(lease.ClientId, e);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Due clients could not be claimed; trying again")]
    private partial void LogClaimFailed(Exception e);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Client {ClientId}: the lease has passed on; nothing was written"
    )]
    private partial void LogLeaseLost(Guid clientId);

    [LoggerMessage(Level = LogLevel.Error, Message = "Client {ClientId}: sync broke off; nothing was written")]
    private partial void LogRunFailed(Guid clientId, Exception e);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Client {ClientId}: the lease could not be prolonged")]
    private partial void LogHeartbeatFailed(Guid clientId, Exception e);
}

/// <summary>Wakes the scheduler for a sync somebody asked for.</summary>
public sealed class SyncSignal : Signal;
