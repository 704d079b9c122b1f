using Rollcall.Api.Assignment.V1;
using Rollcall.Api.Scope.V1;
using static Rollcall.Assignment.Tests.TestTenant;

namespace Rollcall.Assignment.Tests;

/// <summary>Moves the clock that all tests share, so it runs when the others are done.</summary>
[Collection("clock")]
public sealed class CalendarTests(AssignmentFixture fixture)
{
    [Fact]
    public async Task PlanningWorker_YearBeginsInTheClient_OpensTheNextCycle()
    {
        var east = await fixture.NewTenantAsync("Pacific/Auckland", "phishing");
        var west = await fixture.NewTenantAsync("America/Los_Angeles", "phishing");
        foreach (var tenant in new[] { east, west })
        {
            var course = Assert.Single((await tenant.Catalog.ListCoursesAsync(new())).Courses);
            await tenant.SetPathAsync("baseline", [course.Id], recurrence: Recurrence.Yearly);
            await tenant.ReceiveAsync(Decide(Guid.CreateVersion7(), 1, Verdict.InScope, "baseline"));
            await tenant.PlannedAsync();
            var row = Assert.Single(await tenant.RowsAsync());
            await tenant.Assignments.RecordProgressAsync(
                new()
                {
                    ClientId = tenant.ClientId,
                    AssignmentId = row.Id.ToString(),
                    Progress = Progress.Completed,
                }
            );
        }

        fixture.Clock.SetUtcNow(new(2026, 12, 31, 11, 0, 0, TimeSpan.Zero));

        await Testing.Eventually.HoldsAsync(async () => Assert.Equal(["2026", "2027"], await CyclesAsync(east)));
        Assert.Equal(["2026"], await CyclesAsync(west));
        var opened = (await east.RowsAsync())[1];
        Assert.Equal(
            (AssignmentState.Open, new DateTimeOffset(2027, 1, 31, 10, 59, 59, TimeSpan.Zero)),
            (opened.State, opened.DueAt)
        );
    }

    private static async Task<IEnumerable<string>> CyclesAsync(TestTenant tenant) =>
        (await tenant.RowsAsync()).Select(r => r.Cycle);
}

[CollectionDefinition("clock", DisableParallelization = true)]
public sealed class ClockTests;
