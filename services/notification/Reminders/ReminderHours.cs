using Rollcall.Notification.Data;

namespace Rollcall.Notification.Reminders;

/// <summary>A client's cadence in its time zone: when each step of an assignment comes.</summary>
public sealed class ReminderHours(ClientCadence cadence, TimeZoneInfo zone)
{
    /// <summary>
    /// The step to remind of now, and when to look again. Of several steps that have passed (the clock jumped, the
    /// planner was down) only the newest counts: nobody gets three reminders at once.
    /// </summary>
    /// <param name="lastTold">The newest step told or planned; null if none.</param>
    public (int? Step, DateTimeOffset? NextAt) Next(TrainingTask task, int? lastTold, DateTimeOffset now)
    {
        if (task.DueAt is not { } due)
        {
            return (null, null);
        }

        // A step that lay in the past when the training was opened or the cadence was changed is not made up for.
        var since = task.OpenedAt > cadence.EffectiveAt ? task.OpenedAt : cadence.EffectiveAt;
        var moments = cadence
            .Steps.Select(step => (step, at: MomentOf(due, step)))
            .Where(m => m.at > since)
            .OrderBy(m => m.step)
            .ToList();
        var passed = moments.Where(m => m.at <= now).Select(m => (int?)m.step).LastOrDefault();
        var next = moments.Where(m => m.at > now).Select(m => (DateTimeOffset?)m.at).FirstOrDefault();
        return (passed > (lastTold ?? int.MinValue) ? passed : null, next);
    }

    public bool IsQuiet(DateTimeOffset now)
    {
        if (cadence is not { QuietFrom: { } from, QuietUntil: { } until })
        {
            return false;
        }

        // IsBetween understands a span over midnight.
        return TimeOnly.FromDateTime(TimeZoneInfo.ConvertTime(now, zone).DateTime).IsBetween(from, until);
    }

    /// <summary>The send time on the step's local day. A time the zone skips that day counts as the one after the gap.</summary>
    private DateTimeOffset MomentOf(DateTimeOffset due, int step)
    {
        var day = DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(due, zone).DateTime).AddDays(step);
        var local = day.ToDateTime(cadence.SendAt);
        while (zone.IsInvalidTime(local))
        {
            local = local.AddMinutes(15);
        }

        return new DateTimeOffset(local, zone.GetUtcOffset(local)).ToUniversalTime();
    }

    /// <summary>The zone, or UTC for one this machine does not know: a reminder at an odd hour beats none.</summary>
    public static TimeZoneInfo Zone(string? id) =>
        id is { Length: > 0 } && TimeZoneInfo.TryFindSystemTimeZoneById(id, out var zone) ? zone : TimeZoneInfo.Utc;
}
