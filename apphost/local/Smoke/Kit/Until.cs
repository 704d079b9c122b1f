using System.Diagnostics;

namespace Rollcall.Local;

/// <summary>Looks again and again until something holds. Never a fixed wait: as soon as it holds, the story goes on.</summary>
public static class Until
{
    /// <summary>Far more than an idle machine needs: a loaded one must not fail for being slow.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(500);

    /// <param name="expected">In words, for the failure.</param>
    /// <param name="describe">What was seen last, for the failure.</param>
    public static async Task<T> HoldsAsync<T>(
        string expected,
        Func<Task<T>> look,
        Func<T, bool> holds,
        Func<T, string> describe,
        CancellationToken ct
    )
    {
        var begun = Stopwatch.GetTimestamp();
        var pause = FirstPause;
        while (true)
        {
            var seen = await look();
            if (holds(seen))
            {
                return seen;
            }

            Expect.That(
                Stopwatch.GetElapsedTime(begun) < Patience,
                $"{expected}, within {Patience.TotalSeconds:0} s",
                describe(seen)
            );
            await Task.Delay(pause, ct);
            pause = pause * 1.5 < LongestPause ? pause * 1.5 : LongestPause;
        }
    }
}
