using Grpc.Core;
using Rollcall.Api.Directory.V1;

namespace Rollcall.Edge;

/// <summary>Hands notifications on to directory-sync, one batch after the other.</summary>
public sealed partial class HintForwarder(HintBuffer buffer, IServiceScopeFactory scopes, ILogger<HintForwarder> logger)
    : BackgroundService
{
    /// <summary>What arrives meanwhile becomes one batch; little beside the seconds a sync takes.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var batch = await buffer.TakeAsync(stoppingToken);
            try
            {
                await using var scope = scopes.CreateAsyncScope();
                var syncs = scope.ServiceProvider.GetRequiredService<SyncService.SyncServiceClient>();
                await syncs.ReceiveHintsAsync(new() { Hints = { batch } }, cancellationToken: stoppingToken);
                await Task.Delay(Pause, stoppingToken);
            }
            catch (Exception e) when (e is RpcException or HttpRequestException)
            {
                if (stoppingToken.IsCancellationRequested)
                {
                    return;
                }

                // Kept as long as there is room: while directory-sync is away nothing is polled either.
                LogFailure(batch.Count, e.GetType().Name);
                buffer.Add(batch);
                await Task.Delay(RetryPause, stoppingToken);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Count} notifications could not be handed on yet: {Error}")]
    private partial void LogFailure(int count, string error);
}
