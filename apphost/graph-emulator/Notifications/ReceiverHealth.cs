namespace Rollcall.GraphEmulator.Notifications;

/// <summary>
/// Graph's patience with one receiver: over 10 % of answers slower than 3 s within 10 minutes delays everything by
/// 10 minutes ("slow"); over 15 % slower than 10 s loses everything for 10 minutes ("drop").
/// </summary>
public sealed class ReceiverHealth
{
    private const int Enough = 10;
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(10);
    private readonly Queue<(DateTimeOffset At, TimeSpan Took)> answers = new();
    private DateTimeOffset droppedUntil;
    private DateTimeOffset slowUntil;

    public void Record(DateTimeOffset now, TimeSpan took)
    {
        lock (answers)
        {
            answers.Enqueue((now, took));
            while (answers.Peek().At < now - Window)
            {
                answers.Dequeue();
            }

            if (answers.Count < Enough)
            {
                return;
            }

            droppedUntil = Share(10) > 0.15 ? now + Window : droppedUntil;
            slowUntil = Share(3) > 0.10 ? now + Window : slowUntil;
        }
    }

    public bool IsDropped(DateTimeOffset now) => now < droppedUntil;

    public TimeSpan Delay(DateTimeOffset now) => now < slowUntil ? Window : TimeSpan.Zero;

    private double Share(double seconds) =>
        (double)answers.Count(answer => answer.Took.TotalSeconds >= seconds) / answers.Count;
}
