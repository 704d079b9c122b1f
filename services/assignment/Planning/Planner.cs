using Rollcall.Api.Scope.V1;
using Rollcall.Assignment.Data;

namespace Rollcall.Assignment.Planning;

/// <summary>
/// What a decision means for a person's assignments. Pure: the same facts give the same rows, and planning twice
/// changes nothing the second time.
/// </summary>
public static class Planner
{
    /// <summary>The rows that are new or other than before, each with its next revision.</summary>
    public static List<CourseAssignment> Plan(
        UserDecision decision,
        IReadOnlyDictionary<string, PathPlan> paths,
        IReadOnlyList<CourseAssignment> existing,
        ClientClock clock
    )
    {
        var person = new PersonPlan(decision, existing, clock);
        var planned = decision.Verdict switch
        {
            Verdict.InScope => person.Work(Asks(decision, paths)),
            Verdict.Paused => person.Pause(Asks(decision, paths)),

            // Undecided, or the entry cannot be used right now: nothing new, and nothing taken away either.
            Verdict.Held or Verdict.Escrowed => [],
            Verdict.NotAPerson
            or Verdict.ExcludedByRule
            or Verdict.ExcludedByException
            or Verdict.NotIncluded
            or Verdict.Left => person.WithdrawAll(),
            Verdict.Unspecified or _ => throw new InvalidOperationException($"No rule for verdict {decision.Verdict}"),
        };

        var before = existing.ToDictionary(a => a.Id);
        return
        [
            .. planned
                .Where(a => !before.TryGetValue(a.Id, out var old) || !a.SameAs(old))
                .Select(a => a with { Revision = a.Revision + 1, RosterVersion = decision.RosterVersion }),
        ];
    }

    private static ILookup<Guid, Ask> Asks(UserDecision decision, IReadOnlyDictionary<string, PathPlan> paths) =>
        decision
            .Audiences.Distinct(StringComparer.Ordinal)
            .Where(paths.ContainsKey)
            .Select(audience => paths[audience])
            .SelectMany(p => p.Courses.Select(c => new Ask(c, p.Audience, p.DueDays, p.Recurrence)))
            .ToLookup(a => a.Course.Id);
}
