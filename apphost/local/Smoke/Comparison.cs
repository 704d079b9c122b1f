using Rollcall.Api.Reporting.V1;

namespace Rollcall.Local;

/// <summary>Who joined, moved and left since the first day.</summary>
public static class Comparison
{
    public static async Task RunAsync(Story story, World world, CancellationToken ct)
    {
        story.Chapter("Comparison of two days", "reporting");
        await story.StepAsync(
            $"comparison of {world.A.Name}",
            () =>
                CompareAsync(
                    world,
                    world.A,
                    new()
                    {
                        Joiners = 1,
                        Movers = 2,
                        Leavers = 1,
                    },
                    ct
                )
        );
        await story.StepAsync(
            $"comparison of {world.B.Name}",
            () => CompareAsync(world, world.B, new() { Joiners = 1 }, ct)
        );
    }

    private static async Task<string> CompareAsync(
        World world,
        Company company,
        ChangeCounts expected,
        CancellationToken ct
    )
    {
        var before = company.Before!.Basis.AsOf;
        var answer = await Until.HoldsAsync(
            $"{expected.Joiners} joiners, {expected.Movers} movers, {expected.Leavers} leavers since {before}",
            () =>
                world
                    .Technician.Reports.CompareReportsAsync(
                        new() { ClientId = company.ClientId, Before = before },
                        cancellationToken: ct
                    )
                    .ResponseAsync,
            seen =>
                (seen.Counts.Joiners, seen.Counts.Movers, seen.Counts.Leavers)
                == (expected.Joiners, expected.Movers, expected.Leavers),
            seen => $"{seen.Counts}",
            ct
        );
        Expect.Equal(
            company.Before.Total.People,
            answer.CoverageBefore.People,
            "people in scope at the end of that day"
        );
        Expect.Equal(
            company.Before.Total.Completed,
            answer.CoverageBefore.Completed,
            "completed by the end of that day"
        );
        var people = answer.Changes.Select(c => $"{c.DisplayName} ({c.Kind})");
        return $"{before} to {answer.After.AsOf}: {answer.CoverageBefore.People} to {answer.CoverageAfter.People} people, "
            + $"{answer.Counts.Unchanged} unchanged\n{string.Join(", ", people)}";
    }
}
