using Rollcall.Api.Assignment.V1;
using Rollcall.Assignment.Data;

namespace Rollcall.Assignment.Planning;

/// <summary>An audience's path with what planning needs to know of its courses.</summary>
public sealed record PathPlan(string Audience, IReadOnlyList<PathCourse> Courses, int DueDays, Recurrence Recurrence);

public sealed record PathCourse(Guid Id, string Title, bool Archived);

/// <summary>One audience's wish that a person completes a course.</summary>
public sealed record Ask(PathCourse Course, string Audience, int DueDays, Recurrence Recurrence);

/// <summary>What a person's audiences ask for of one course, in the cycle it falls into now.</summary>
public sealed record Demand(PathCourse Course, string Cycle, IReadOnlyList<Ask> Asks)
{
    private const string Once = "1";

    /// <summary>
    /// Several audiences asking for one course make one demand: yearly if any of them wants it yearly. Who has done the
    /// course in another cycle has satisfied those who want it once; who did it once this year, this year's.
    /// </summary>
    public static Demand From(IReadOnlyList<Ask> asks, IEnumerable<CourseAssignment> existing, ClientClock clock)
    {
        var rows = existing.ToList();
        var year = CalendarCycle.Of(clock.Today);
        var cycle = asks.Any(a => a.Recurrence == Recurrence.Yearly) ? year : Once;
        var done = rows.Any(r => r.Cycle != cycle && r.IsDone);
        var doneThisYear = rows.Any(r =>
            r is { Cycle: Once, CompletedAt: { } at } && r.IsDone && CalendarCycle.Of(clock.DayOf(at)) == year
        );
        return new(
            asks[0].Course,
            cycle,
            [.. asks.Where(a => a.Recurrence == Recurrence.Yearly ? !doneThisYear : !done)]
        );
    }
}

/// <summary>The key of a yearly cycle.</summary>
public static class CalendarCycle
{
    public static string Of(DateOnly day) => day.ToString("yyyy", System.Globalization.CultureInfo.InvariantCulture);
}
