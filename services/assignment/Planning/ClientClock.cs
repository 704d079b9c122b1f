namespace Rollcall.Assignment.Planning;

/// <summary>One moment as a client's people see it: which day and year it is there, and when days end.</summary>
public sealed record ClientClock(DateTimeOffset Now, TimeZoneInfo Zone)
{
    private static readonly TimeOnly LastSecond = new(23, 59, 59);

    /// <param name="timeZone">IANA zone.</param>
    public static ClientClock At(DateTimeOffset now, string timeZone) =>
        new(now, TimeZoneInfo.FindSystemTimeZoneById(timeZone));

    public DateOnly Today => DayOf(Now);

    public DateTimeOffset NextYearAt => StartOf(new(Today.Year + 1, 1, 1));

    public DateOnly DayOf(DateTimeOffset time) => DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(time, Zone).DateTime);

    /// <summary>The day's last second; the later one where the clock shows it twice.</summary>
    public DateTimeOffset EndOf(DateOnly day) => ToUtc(day.ToDateTime(LastSecond));

    private DateTimeOffset StartOf(DateOnly day) => EndOf(day.AddDays(-1)).AddSeconds(1);

    private DateTimeOffset ToUtc(DateTime local)
    {
        // A zone that skips the end of a day (Samoa skipped a whole one) ends it where it jumped.
        while (Zone.IsInvalidTime(local))
        {
            local = local.AddHours(-1);
        }

        return new DateTimeOffset(local, Zone.GetUtcOffset(local)).ToUniversalTime();
    }
}
