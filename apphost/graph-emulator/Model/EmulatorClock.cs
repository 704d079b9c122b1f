namespace Rollcall.GraphEmulator.Model;

/// <summary>
/// The directory's time: the machine's plus an offset that tests move forward. Sign-in stays on the machine's time,
/// because the client's token cache does too.
/// </summary>
public sealed class EmulatorClock : TimeProvider
{
    private long offsetTicks;

    public TimeSpan Offset => TimeSpan.FromTicks(Interlocked.Read(ref offsetTicks));

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + Offset;

    public void Advance(TimeSpan by) => Interlocked.Add(ref offsetTicks, by.Ticks);

    public void Reset() => Interlocked.Exchange(ref offsetTicks, 0);
}
