using Rollcall.Api.Assignment.V1;
using Rollcall.Api.Reporting.V1;
using Rollcall.Api.Scope.V1;

namespace Rollcall.Local;

/// <summary>What can be proved: the same reports before and after the changes, each held against the others, and as files.</summary>
public static class Reports
{
    public static async Task BeforeAsync(Story story, World world, CancellationToken ct)
    {
        story.Chapter("Reports before", "reporting");
        foreach (var company in world.Both)
        {
            await story.StepAsync(
                $"reports of {company.Name}",
                async () =>
                {
                    var (coverage, told) = await ReadAsync(world, company, ct);
                    company.Before = coverage;
                    Expect.Equal(0, coverage.Total.Overdue, "overdue assignments on the first day");
                    return told;
                }
            );
        }

        await story.StepAsync(
            "the next day",
            async () =>
            {
                await world.MoveClockAsync(days: 1, ct);
                return "the platform's clock is a day on";
            }
        );
    }

    public static async Task AfterAsync(Story story, World world, CancellationToken ct)
    {
        story.Chapter("Reports after", "reporting");
        foreach (var company in world.Both)
        {
            await story.StepAsync(
                $"reports of {company.Name}",
                async () =>
                {
                    var (coverage, told) = await ReadAsync(world, company, ct);
                    Expect.That(coverage.Total.Overdue > 0, "overdue assignments", $"{coverage.Total.Overdue}");
                    return told;
                }
            );
            await story.StepAsync($"files of {company.Name}", () => ReportFiles.SaveAllAsync(world, company, ct));
        }
    }

    /// <summary>Coverage, once it agrees with what assignment says; each other report is held against it.</summary>
    private static async Task<(GetCoverageResponse Coverage, string Told)> ReadAsync(
        World world,
        Company company,
        CancellationToken ct
    )
    {
        var work = await InScopeWorkAsync(world, company, ct);
        var counted = work.DistinctBy(a => (a.UserId, a.CourseId)).Count();
        var coverage = await Until.HoldsAsync(
            $"coverage of {counted} assignments",
            () =>
                world
                    .Technician.Reports.GetCoverageAsync(new() { ClientId = company.ClientId }, cancellationToken: ct)
                    .ResponseAsync,
            seen => seen.Total.Assigned == counted,
            seen => $"{seen.Total.Assigned} of {seen.Total.People} people; {string.Join(' ', seen.Basis.Notices)}",
            ct
        );

        var (total, basis) = (coverage.Total, coverage.Basis);
        return (
            coverage,
            $"{basis.AsOf}, roster version {basis.RosterVersion}, complete {basis.Complete}: {total.People} people in scope "
                + $"({total.Paused} paused), {total.Completed} of {total.Assigned} done ({total.CompletionPercent} %)\n"
                + $"{await CompletionAsync(world, company, work, ct)}; {await OverdueAsync(world, company, coverage, ct)}\n"
                + await ReconcileAsync(world, company, coverage, ct)
        );
    }

    /// <summary>What assignment itself says people in scope have to do or have done, every cycle.</summary>
    private static async Task<List<Assignment>> InScopeWorkAsync(World world, Company company, CancellationToken ct)
    {
        var decisions = await world.Technician.DecisionsAsync(company.ClientId, ct);
        var inScope = decisions
            .Where(d => d.Verdict is Verdict.InScope or Verdict.Paused)
            .Select(d => d.UserId)
            .ToHashSet(StringComparer.Ordinal);
        var work = await world.Technician.WorkAsync(company.ClientId, user: "", ct);
        return work.FindAll(a =>
            inScope.Contains(a.UserId)
            && a.State is (AssignmentState.Open or AssignmentState.Paused or AssignmentState.Completed)
        );
    }

    private static async Task<string> CompletionAsync(
        World world,
        Company company,
        List<Assignment> work,
        CancellationToken ct
    )
    {
        var answer = await world.Technician.Reports.GetCompletionAsync(
            new() { ClientId = company.ClientId },
            cancellationToken: ct
        );
        Expect.Equal(work.Count, (int)answer.Courses.Sum(c => c.Assigned), "assignments in the completion report");
        Expect.Equal(
            work.Count(a => a.State == AssignmentState.Completed),
            (int)answer.Courses.Sum(c => c.Completed),
            "completed ones in it"
        );
        return $"{answer.Courses.Count} courses, {answer.Courses.Sum(c => c.Withdrawn)} withdrawn, "
            + $"{answer.Courses.Sum(c => c.CompletedWhileEmployed)} completed by leavers";
    }

    private static async Task<string> OverdueAsync(
        World world,
        Company company,
        GetCoverageResponse coverage,
        CancellationToken ct
    )
    {
        var answer = await world.Technician.Reports.ListOverdueAsync(
            new() { ClientId = company.ClientId, PageSize = 500 },
            cancellationToken: ct
        );
        Expect.Equal(coverage.Total.Overdue, answer.Assignments.Count, "assignments in the overdue report");
        var work = await InScopeWorkAsync(world, company, ct);
        var late = work.Where(a => a.State == AssignmentState.Open && a.DueTime < answer.Basis.AsOfTime);
        Expect.That(
            late.Select(a => a.Id)
                .ToHashSet(StringComparer.Ordinal)
                .SetEquals(answer.Assignments.Select(a => a.AssignmentId)),
            "in it exactly the open assignments whose due time has passed",
            $"others, {late.Count()} of them past due"
        );
        return answer.Assignments is [var first, ..]
            ? $"{answer.Assignments.Count} overdue, longest \"{first.CourseTitle}\" by {first.DaysOverdue} days"
            : "nothing overdue";
    }

    private static async Task<string> ReconcileAsync(
        World world,
        Company company,
        GetCoverageResponse coverage,
        CancellationToken ct
    )
    {
        var excluded = await world.Technician.ExclusionsAsync(company.ClientId, ct);
        var answer = await world.Technician.Reports.GetReconciliationAsync(
            new() { ClientId = company.ClientId },
            cancellationToken: ct
        );
        Check(answer, coverage, (await world.Technician.UsersAsync(company.ClientId, ct)).Count);
        var inScope = answer.Lines.Where(l => l.Standing is Standing.InScope or Standing.Paused).Sum(l => l.People);
        Expect.Equal(answer.Total - inScope, excluded.Count, "people in the exclusion report");
        var lines = answer.Lines.GroupBy(l => l.Standing).Select(g => $"{g.Sum(l => l.People)} {g.Key}");
        return $"{excluded.Count} excluded, each with a reason; everybody ever seen: {answer.Total} = {string.Join(" + ", lines)}";
    }

    /// <summary>Everybody ever seen is in exactly one line, and those in scope are the coverage report's.</summary>
    public static void Check(GetReconciliationResponse answer, GetCoverageResponse coverage, int everSeen)
    {
        Expect.Equal(answer.Total, answer.Lines.Sum(l => l.People), "the sum of the reconciliation's lines");
        Expect.Equal(everSeen, (int)answer.Total, "everybody ever seen in the roster");
        Expect.Equal(coverage.Total.People, answer.InScope, "people in scope in the reconciliation");
    }
}
