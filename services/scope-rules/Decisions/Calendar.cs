using Google.Protobuf.WellKnownTypes;

namespace Rollcall.ScopeRules.Decisions;

/// <summary>
/// Days in a client's zone. Directories hold hire and leave dates as days at midnight UTC; what is meant is the day
/// where the client is.
/// </summary>
public sealed class Calendar(TimeZoneInfo zone)
{
    public static Calendar Of(string timeZone) =>
        new(TimeZoneInfo.TryFindSystemTimeZoneById(timeZone, out var zone) ? zone : TimeZoneInfo.Utc);

    /// <summary>When the day begins.</summary>
    public DateTimeOffset StartOf(Timestamp day) => StartOf(DateOf(day));

    /// <summary>When the day is over.</summary>
    public DateTimeOffset EndOf(Timestamp day) => StartOf(DateOf(day).AddDays(1));

    public static DateOnly DateOf(Timestamp day) => DateOnly.FromDateTime(day.ToDateTime());

    private DateTimeOffset StartOf(DateOnly day)
    {
        var start = day.ToDateTime(TimeOnly.MinValue);

        // Some zones put the clocks forward at midnight: the day begins at one.
        while (zone.IsInvalidTime(start))
        {
            start = start.AddMinutes(30);
        }

        return new DateTimeOffset(start, zone.GetUtcOffset(start)).ToUniversalTime();
    }
}
