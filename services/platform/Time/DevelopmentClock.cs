using System.Globalization;

namespace Rollcall.Platform;

/// <summary>
/// The clock of a development platform: the system's plus the offset in a file that all its processes share, so that
/// `./run clock +30d` moves them together. Leases and back-off don't use it: they run on database time.
/// </summary>
public sealed class DevelopmentClock(string offsetFile) : TimeProvider
{
    private static readonly long RefreshTicks = TimeSpan.TicksPerSecond / 4;
    private readonly Lock gate = new();
    private long offsetTicks;
    private long readAt = long.MinValue;

    public override DateTimeOffset GetUtcNow()
    {
        var now = base.GetUtcNow();
        lock (gate)
        {
            if (now.UtcTicks - RefreshTicks > readAt)
            {
                offsetTicks = ReadOffset();
                readAt = now.UtcTicks;
            }

            return now.AddTicks(offsetTicks);
        }
    }

    private long ReadOffset() =>
        File.Exists(offsetFile)
        && TimeSpan.TryParse(File.ReadAllText(offsetFile), CultureInfo.InvariantCulture, out var offset)
            ? offset.Ticks
            : 0;
}
