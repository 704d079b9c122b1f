using Google.Protobuf.WellKnownTypes;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Graph;

namespace Rollcall.DirectorySync.Sync;

/// <summary>
/// How far a run is, for those who watch it. Short runs show nothing; a longer one writes what it has every half second,
/// to the cache alone, so that progress costs the database nothing and vanishes with a worker that dies.
/// </summary>
public sealed class RunProgress(SyncLease lease, Guid runId, DateTimeOffset startedAt, ProgressBoard board)
{
    private static readonly TimeSpan FirstAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(500);
    private readonly long start = TimeProvider.System.GetTimestamp();
    private readonly Lock gate = new();
    private Task written = Task.CompletedTask;
    private TimeSpan nextAt = FirstAfter;
    private int pages;
    private int people;
    private int total;
    private bool isShown;
    private bool succeeded;

    public Guid RunId => runId;
    public DateTimeOffset StartedAt => startedAt;
    public int People => people;

    /// <summary>Another page is here; never waits for the cache.</summary>
    public void OnPage(DeltaKind stream, int entries)
    {
        lock (gate)
        {
            pages++;
            people += stream == DeltaKind.Users ? entries : 0;
            var elapsed = TimeProvider.System.GetElapsedTime(start);
            if (elapsed >= nextAt && written.IsCompleted)
            {
                nextAt = elapsed + Every;
                if (!isShown)
                {
                    isShown = true;
                    _ = ExpectAsync();
                }

                written = board.WriteAsync(lease, Now(SyncRunState.Reading, elapsed));
            }
        }
    }

    /// <summary>Everything is read.</summary>
    public Task ApplyingAsync() => isShown ? ShowAsync(SyncRunState.Applying) : Task.CompletedTask;

    /// <summary>Succeeded: those who watch a run that changed nothing, and so left no row, learn it from here.</summary>
    public void Succeed() => succeeded = true;

    /// <summary>Over, whatever came of it, and committed.</summary>
    public async Task EndAsync()
    {
        if (isShown && succeeded)
        {
            await ShowAsync(SyncRunState.Succeeded);
        }
        else if (isShown)
        {
            await written;
            await board.RemoveAsync(lease);
        }
    }

    /// <summary>People per second so far, and how long the rest takes; null when nobody knows.</summary>
    public static (double Rate, TimeSpan? Remaining) Estimate(int people, int expected, TimeSpan elapsed)
    {
        var rate = elapsed > TimeSpan.Zero ? people / elapsed.TotalSeconds : 0;
        return (rate, rate > 0 && expected > people ? TimeSpan.FromSeconds((expected - people) / rate) : null);
    }

    /// <summary>Only a round over everybody, from its beginning, meets a number of people that can be known.</summary>
    private async Task ExpectAsync() =>
        total = lease is { IsFull: true, HasPages: false } ? await board.ExpectedAsync(lease) : 0;

    private async Task ShowAsync(SyncRunState state)
    {
        await written;
        await board.WriteAsync(lease, Now(state, TimeProvider.System.GetElapsedTime(start)));
    }

    private SyncRun Now(SyncRunState state, TimeSpan elapsed)
    {
        var (rate, remaining) = Estimate(people, total, elapsed);
        var reading = state == SyncRunState.Reading;
        return new()
        {
            Id = runId.ToString(),
            Mode = lease.IsFull ? SyncMode.Full : SyncMode.Delta,
            State = state,
            StartTime = startedAt.ToTimestamp(),
            Pages = pages,
            Objects = people,
            ExpectedPeople = Math.Max(total, reading ? 0 : people),
            PeoplePerSecond = reading ? Math.Round(rate, 1) : 0,
            RemainingDuration = reading ? remaining?.ToDuration() : null,
        };
    }
}
