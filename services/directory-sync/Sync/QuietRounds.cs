using System.Threading.Channels;

namespace Rollcall.DirectorySync.Sync;

/// <summary>
/// Ends rounds that found nothing new. While one statement is under way the next rounds gather, so that a fleet at rest
/// costs few commits and a single client no wait.
/// </summary>
public sealed partial class QuietRounds(Leases leases, Cursors cursors, TimeProvider clock, ILogger<QuietRounds> logger)
    : BackgroundService
{
    private const int MostAtOnce = 500;
    private readonly Channel<Ending> endings = Channel.CreateUnbounded<Ending>(new() { SingleReader = true });

    /// <summary>Returns once cursors and due time are committed.</summary>
    /// <exception cref="LeaseLostException">Another worker has the client; its row was left alone.</exception>
    public Task CompleteAsync(RoundEnd round, CancellationToken ct)
    {
        var ending = new Ending(round, new(TaskCreationOptions.RunContinuationsAsynchronously));
        endings.Writer.TryWrite(ending);
        return ending.Done.Task.WaitAsync(ct);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (await endings.Reader.WaitToReadAsync(stoppingToken))
        {
            List<Ending> batch = [];
            while (batch.Count < MostAtOnce && endings.Reader.TryRead(out var ending))
            {
                batch.Add(ending);
            }

            try
            {
                await CompleteAsync(batch, stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                // Nothing is lost: the leases run out, and the same changes are read again.
                LogFailed(batch.Count, e);
                batch.ForEach(b => b.Done.TrySetException(e));
            }
        }
    }

    private async Task CompleteAsync(List<Ending> batch, CancellationToken ct)
    {
        var rounds = batch.ConvertAll(b => b.Round);
        var ours = await leases.CompleteAsync(rounds, clock.GetUtcNow(), ct);
        await cursors.CacheAsync(rounds.FindAll(r => ours.Contains(r.Lease.Key)));
        foreach (var (round, done) in batch)
        {
            if (ours.Contains(round.Lease.Key))
            {
                done.TrySetResult();
            }
            else
            {
                done.TrySetException(new LeaseLostException());
            }
        }
    }

    private sealed record Ending(RoundEnd Round, TaskCompletionSource Done);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Count} quiet rounds could not be written; they come again")]
    private partial void LogFailed(int count, Exception e);
}
