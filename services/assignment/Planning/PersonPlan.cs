using Rollcall.Api.Assignment.V1;
using Rollcall.Assignment.Data;

namespace Rollcall.Assignment.Planning;

/// <summary>One person's assignments as they should be; rows come back with their old revision, changed or not.</summary>
internal sealed class PersonPlan(UserDecision decision, IReadOnlyList<CourseAssignment> existing, ClientClock clock)
{
    private readonly ILookup<Guid, CourseAssignment> courses = existing.ToLookup(a => a.CourseId);

    /// <summary>In scope: asked for is open, not asked for any more is withdrawn.</summary>
    public IEnumerable<CourseAssignment> Work(ILookup<Guid, Ask> asks) =>
        [
            .. asks.SelectMany(course => Work(Demand.From([.. course], courses[course.Key], clock))),
            .. NotAskedFor(asks),
        ];

    /// <summary>Disabled: clocks stand still, nothing new.</summary>
    public IEnumerable<CourseAssignment> Pause(ILookup<Guid, Ask> asks) =>
        [
            .. existing.Where(a => a.IsActive && asks.Contains(a.CourseId)).Select(a => Paused(a, asks[a.CourseId])),
            .. NotAskedFor(asks),
        ];

    public IEnumerable<CourseAssignment> WithdrawAll() =>
        existing.Where(a => a.IsActive).Select(a => Withdrawn(a, decision.Reason));

    private IEnumerable<CourseAssignment> NotAskedFor(ILookup<Guid, Ask> asks) =>
        existing
            .Where(a => a.IsActive && !asks.Contains(a.CourseId))
            .Select(a => Withdrawn(a, "No path of the person's audiences asks for the course any more"));

    private IEnumerable<CourseAssignment> Work(Demand demand)
    {
        var rows = courses[demand.Course.Id].ToList();
        var others = rows.Where(a => a.IsActive && a.Cycle != demand.Cycle).ToList();
        var row = rows.SingleOrDefault(a => a.Cycle == demand.Cycle);
        if (demand.Asks is [])
        {
            return rows.Where(a => a.IsActive).Select(a => Withdrawn(a, "The course was completed in another cycle"));
        }

        if (demand.Course.Archived && (row is null or { State: AssignmentState.Withdrawn }))
        {
            // Nothing new of an archived course; what is open stays until it is done.
            return [];
        }

        // An unfinished earlier cycle hands its clock on: the turn of the year excuses nobody, and asks nobody twice.
        var causes = Merge(others.Append(row).OfType<CourseAssignment>().Where(a => a.IsActive), demand.Asks);
        var replaced = others.Select(a => Withdrawn(a, $"Replaced by cycle {demand.Cycle}"));
        return row is { IsDone: true } ? replaced : replaced.Append(Open(row ?? New(demand), demand, causes));
    }

    private CourseAssignment Open(CourseAssignment row, Demand demand, IReadOnlyList<Cause> causes) =>
        row with
        {
            CourseTitle = demand.Course.Title,
            State = AssignmentState.Open,
            Causes = causes,
            Reason = $"Asked for by {string.Join(", ", causes.Select(c => c.Audience))}",
            OpenedAt = row.IsActive ? row.OpenedAt : clock.Now,
            DueAt = Due(causes),
            PausedOn = null,
            CompletedAt = null,
            Score = null,
            CompletedAfterWithdrawal = false,
            WithdrawnAt = null,
        };

    private CourseAssignment Paused(CourseAssignment row, IEnumerable<Ask> asks)
    {
        var pausedOn = row.PausedOn ?? clock.Today;
        var known = row.Causes.ToDictionary(c => c.Audience, StringComparer.Ordinal);
        List<Cause> causes =
        [
            .. asks.Select(a => ClockOf(a, known, pausedOn)).OrderBy(c => c.Audience, StringComparer.Ordinal),
        ];
        return row with
        {
            State = AssignmentState.Paused,
            Causes = causes,
            Reason = row.State == AssignmentState.Paused ? row.Reason : $"Paused: {decision.Reason}",
            DueAt = Due(causes),
            PausedOn = pausedOn,
        };
    }

    private CourseAssignment Withdrawn(CourseAssignment row, string reason) =>
        row with
        {
            State = AssignmentState.Withdrawn,
            Causes = [],
            Reason = reason,
            PausedOn = null,
            WithdrawnAt = clock.Now,
        };

    private CourseAssignment New(Demand demand) =>
        new()
        {
            Id = Guid.CreateVersion7(clock.Now),
            MspId = decision.MspId,
            ClientId = decision.ClientId,
            UserId = decision.UserId,
            CourseId = demand.Course.Id,
            Cycle = demand.Cycle,
            CourseTitle = demand.Course.Title,
            State = AssignmentState.Withdrawn,
            Causes = [],
            Reason = "",
            OpenedAt = clock.Now,
            DueAt = clock.Now,
            Revision = 0,
            RosterVersion = decision.RosterVersion,
        };

    /// <summary>The causes the asks make, with the clocks that already run for them; a pause ends here.</summary>
    private List<Cause> Merge(IEnumerable<CourseAssignment> running, IEnumerable<Ask> asks)
    {
        var known = running
            .SelectMany(a => a.Causes.Select(c => c with { ClockFrom = c.ClockFrom.AddDays(DaysPaused(a)) }))
            .GroupBy(c => c.Audience, StringComparer.Ordinal)
            .ToDictionary(g => g.Key, g => g.MinBy(c => c.ClockFrom)!, StringComparer.Ordinal);
        return [.. asks.Select(a => ClockOf(a, known, clock.Today)).OrderBy(c => c.Audience, StringComparer.Ordinal)];
    }

    private int DaysPaused(CourseAssignment row) =>
        row.PausedOn is { } day ? Math.Max(0, clock.Today.DayNumber - day.DayNumber) : 0;

    private static Cause ClockOf(Ask ask, Dictionary<string, Cause> known, DateOnly otherwise) =>
        new(ask.Audience, known.TryGetValue(ask.Audience, out var cause) ? cause.ClockFrom : otherwise, ask.DueDays);

    private DateTimeOffset Due(IEnumerable<Cause> causes) => clock.EndOf(causes.Min(c => c.DueOn));
}
