using Rollcall.Api.Directory.V1;

namespace Rollcall.Edge;

/// <summary>
/// Notifications on their way to directory-sync. Equal ones count once (a thousand changes of one client are one hint),
/// and what does not fit is dropped: polling finds every change anyway.
/// </summary>
public sealed class HintBuffer : IDisposable
{
    public const int Capacity = 10_000;

    /// <summary>As many as directory-sync takes in one call.</summary>
    public const int BatchSize = 1_000;
    private readonly Lock gate = new();
    private readonly HashSet<Hint> waiting = [];
    private readonly SemaphoreSlim any = new(0, 1);

    public void Add(IEnumerable<Hint> hints)
    {
        lock (gate)
        {
            foreach (var hint in hints)
            {
                if (waiting.Count < Capacity)
                {
                    waiting.Add(hint);
                }
            }

            if (waiting.Count > 0 && any.CurrentCount == 0)
            {
                any.Release();
            }
        }
    }

    /// <summary>The next batch, once there is one.</summary>
    public async Task<List<Hint>> TakeAsync(CancellationToken ct)
    {
        await any.WaitAsync(ct);
        lock (gate)
        {
            List<Hint> batch = [.. waiting.Take(BatchSize)];
            waiting.ExceptWith(batch);
            if (waiting.Count > 0)
            {
                any.Release();
            }

            return batch;
        }
    }

    public void Dispose() => any.Dispose();
}
