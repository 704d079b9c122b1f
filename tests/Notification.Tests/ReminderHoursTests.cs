using CsCheck;
using Rollcall.Api.Assignment.V1;
using Rollcall.Notification.Data;
using Rollcall.Notification.Reminders;

namespace Rollcall.Notification.Tests;

public sealed class ReminderHoursTests
{
    private static readonly DateTimeOffset Opened = At("2026-03-01 12:00");
    private static readonly DateTimeOffset Due = At("2026-03-31 21:59");

    public static TheoryData<string, string, int?, int?, string> Steps =>
        new()
        {
            { "before the first step nothing, look again then", "2026-03-20 10:00", null, null, "2026-03-24 08:00" },
            { "the step's moment, in the client's zone", "2026-03-24 08:00", null, -7, "2026-03-30 07:00" },
            { "the step was told", "2026-03-25 08:00", -7, null, "2026-03-30 07:00" },
            { "summer time began in between", "2026-03-30 07:00", -7, -1, "2026-04-03 07:00" },
            { "the clock jumped over all: the newest only", "2026-05-01 00:00", null, 3, "" },
            { "the clock went back after a later step", "2026-03-25 08:00", 3, null, "2026-03-30 07:00" },
            { "all told", "2026-05-01 00:00", 3, null, "" },
        };

    [Theory]
    [MemberData(nameof(Steps))]
    public void Next_DefaultCadenceInCopenhagen_IsTheNewestPassedStep(
        string why,
        string now,
        int? told,
        int? step,
        string next
    )
    {
        var result = Hours(new()).Next(Task(Due), told, At(now));

        Assert.True((step, next.Length == 0 ? (DateTimeOffset?)null : At(next)) == result, why);
    }

    /// <summary>Whatever the clock does: no step twice, none after a later one, and no more than one at a time.</summary>
    [Fact]
    public void Next_AnyClockMoves_StepsOnlyRise() =>
        Gen.Select(Gen.Int[-90, 90].Array[0, 10], Gen.Int[-200, 400].Array[1, 40])
            .Sample(
                (steps, moves) =>
                {
                    var hours = Hours(new() { Steps = [.. steps.Distinct().Order()] });
                    var told = new List<int>();
                    foreach (var move in moves)
                    {
                        var now = Opened.AddHours(12 * move);
                        var (step, next) = hours.Next(Task(Due), told.Count == 0 ? null : told[^1], now);
                        Assert.True(next is null || next > now);
                        if (step is { } days)
                        {
                            told.Add(days);
                        }
                    }

                    Assert.Equal(told.Distinct().Order(), told);
                }
            );

    [Fact]
    public void Next_OpenedAfterAStep_DoesNotMakeUpForIt()
    {
        var task = Task(Opened.AddDays(2));

        var (step, next) = Hours(new()).Next(task, lastTold: null, Opened);

        Assert.Null(step);
        Assert.Equal(At("2026-03-02 08:00"), next);
    }

    [Fact]
    public void Next_StepAddedAfterItsTime_IsNotMadeUpFor()
    {
        var cadence = new Cadence { Steps = [-20, 3], EffectiveAt = At("2026-03-25 00:00") };

        var (step, next) = Hours(cadence).Next(Task(Due), lastTold: null, At("2026-03-26 00:00"));

        Assert.Null(step);
        Assert.Equal(At("2026-04-03 07:00"), next);
    }

    [Fact]
    public void Next_SendTimeInTheHourSummerTimeSkips_IsAfterTheGap()
    {
        var cadence = new Cadence { Steps = [-2], SendAt = new(2, 30) };

        var (_, next) = Hours(cadence).Next(Task(Due), lastTold: null, Opened);

        Assert.Equal(At("2026-03-29 01:00"), next);
    }

    [Fact]
    public void Next_NoDueTime_IsNeverReminded() =>
        Assert.Equal((null, null), Hours(new()).Next(Task(due: null), lastTold: null, At("2030-01-01 00:00")));

    [Theory]
    [InlineData("2026-03-10 17:59", false)]
    [InlineData("2026-03-10 18:00", true)]
    [InlineData("2026-03-10 23:30", true)]
    [InlineData("2026-03-11 05:59", true)]
    [InlineData("2026-03-11 06:00", false)]
    public void IsQuiet_SpanOverMidnightInTheClientsZone_HoldsOnBothSides(string now, bool quiet)
    {
        var cadence = new Cadence { QuietFrom = new TimeOnly(19, 0), QuietUntil = new TimeOnly(7, 0) };

        Assert.Equal(quiet, Hours(cadence).IsQuiet(At(now)));
    }

    [Fact]
    public void Zone_Unknown_IsUtc() => Assert.Equal(TimeZoneInfo.Utc, ReminderHours.Zone("Mars/Olympus"));

    private static ReminderHours Hours(Cadence cadence) =>
        new(
            new()
            {
                MspId = Guid.Empty,
                ClientId = Guid.Empty,
                Steps = cadence.Steps,
                SendAt = cadence.SendAt,
                QuietFrom = cadence.QuietFrom,
                QuietUntil = cadence.QuietUntil,
                EffectiveAt = cadence.EffectiveAt,
            },
            ReminderHours.Zone("Europe/Copenhagen")
        );

    private static TrainingTask Task(DateTimeOffset? due) =>
        new()
        {
            MspId = Guid.Empty,
            ClientId = Guid.Empty,
            AssignmentId = Guid.Empty,
            Revision = 1,
            UserId = Guid.Empty,
            CourseTitle = "Phishing basics",
            State = AssignmentState.Open,
            OpenedAt = Opened,
            DueAt = due,
        };

    private static DateTimeOffset At(string utc) =>
        DateTimeOffset.Parse(
            utc,
            System.Globalization.CultureInfo.InvariantCulture,
            System.Globalization.DateTimeStyles.AssumeUniversal
        );

    private sealed record Cadence
    {
        public int[] Steps { get; init; } = [-7, -1, 3];
        public TimeOnly SendAt { get; init; } = new(9, 0);
        public TimeOnly? QuietFrom { get; init; }
        public TimeOnly? QuietUntil { get; init; }
        public DateTimeOffset EffectiveAt { get; init; } = DateTimeOffset.UnixEpoch;
    }
}
