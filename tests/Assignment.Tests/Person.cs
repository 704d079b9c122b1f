using System.Globalization;
using Rollcall.Api.Assignment.V1;
using Rollcall.Api.Scope.V1;
using Rollcall.Assignment.Actions;
using Rollcall.Assignment.Data;
using Rollcall.Assignment.Planning;

namespace Rollcall.Assignment.Tests;

/// <summary>
/// Someone whose assignments are planned in memory, from 2026-03-01 noon in Copenhagen on. Two audiences to begin with:
/// baseline asks for phishing within 30 days, managers for phishing within 7 and leading within 14; each once.
/// </summary>
internal sealed class Person
{
    private readonly Dictionary<string, PathPlan> paths = new(StringComparer.Ordinal);
    private readonly Dictionary<string, PathCourse> courses = new(StringComparer.Ordinal);
    private UserDecision? decision;

    public Person()
    {
        Path("baseline", 30, Recurrence.None, "phishing");
        Path("managers", 7, Recurrence.None, "phishing");
        Path("leaders", 14, Recurrence.None, "leading");
    }

    public DateTimeOffset Now { get; private set; } = new(2026, 3, 1, 11, 0, 0, TimeSpan.Zero);

    public List<CourseAssignment> Rows { get; } = [];

    /// <summary>How many rows the last planning changed.</summary>
    public int Changed { get; private set; }

    public Person InScope(params string[] audiences) => Decide(Verdict.InScope, audiences);

    public Person Paused(params string[] audiences) => Decide(Verdict.Paused, audiences);

    public Person Decide(Verdict verdict, params string[] audiences)
    {
        decision = new()
        {
            MspId = Guid.Empty,
            ClientId = Guid.Empty,
            UserId = Guid.Empty,
            Revision = (decision?.Revision ?? 0) + 1,
            Verdict = verdict,
            Audiences = audiences,
            Reason = $"is {verdict}",
            RosterVersion = (decision?.RosterVersion ?? 0) + 1,
            ValidFrom = Now,
        };
        return Replan();
    }

    public Person Replan()
    {
        var clock = ClientClock.At(Now, "Europe/Copenhagen");
        var changes = Planner.Plan(decision!, paths, Rows, clock);
        Changed = changes.Count;
        foreach (var change in changes)
        {
            Store(change);
        }

        return this;
    }

    public Person Days(int days)
    {
        Now = Now.AddDays(days);
        return this;
    }

    public Person On(int year, int month, int day)
    {
        Now = new(year, month, day, 11, 0, 0, TimeSpan.Zero);
        return this;
    }

    public Person Path(string audience, int dueDays, Recurrence recurrence, params string[] titles)
    {
        paths[audience] = new(audience, [.. titles.Select(Course)], dueDays, recurrence);
        return this;
    }

    public Person Archive(string title) => Change(Course(title) with { Archived = true });

    public Person Rename(string title, string newTitle) => Change(Course(title) with { Title = newTitle });

    public Person Complete(string title, string cycle = "1") =>
        Do(title, cycle, r => ProgressRules.Complete(r, Now, 90));

    public Person Waive(string title, string cycle = "1") =>
        Do(title, cycle, r => ProgressRules.Waive(r, "long leave"));

    /// <summary>Rows as text: course/cycle state [causes] due day, in order; done and withdrawn ones without due day.</summary>
    public IEnumerable<string> Lines() =>
        Rows.OrderBy(r => r.CourseTitle, StringComparer.Ordinal)
            .ThenBy(r => r.Cycle, StringComparer.Ordinal)
            .Select(r =>
                r.IsActive
                    ? $"{r.CourseTitle}/{r.Cycle} {r.State} [{string.Join(' ', r.Causes.Select(c => c.Audience))}] {DueDay(r)}"
                    : $"{r.CourseTitle}/{r.Cycle} {r.State}"
            );

    private static string DueDay(CourseAssignment row)
    {
        var local = TimeZoneInfo.ConvertTimeBySystemTimeZoneId(row.DueAt, "Europe/Copenhagen");
        Assert.Equal(new(23, 59, 59), TimeOnly.FromDateTime(local.DateTime));
        return local.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
    }

    private Person Do(string title, string cycle, Func<CourseAssignment, CourseAssignment> change)
    {
        Store(change(Rows.Single(r => r.CourseTitle == title && r.Cycle == cycle)));
        return this;
    }

    private PathCourse Course(string title) =>
        courses.TryGetValue(title, out var course)
            ? course
            : courses[title] = new(Guid.CreateVersion7(), title, Archived: false);

    private Person Change(PathCourse course)
    {
        foreach (var (audience, path) in paths.ToList())
        {
            paths[audience] = path with { Courses = [.. path.Courses.Select(c => c.Id == course.Id ? course : c)] };
        }

        return this;
    }

    private void Store(CourseAssignment row)
    {
        Rows.RemoveAll(r => r.Id == row.Id);
        Assert.DoesNotContain(Rows, r => r.CourseId == row.CourseId && r.Cycle == row.Cycle);
        Rows.Add(row);
    }
}
