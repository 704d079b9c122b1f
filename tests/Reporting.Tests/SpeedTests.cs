using System.Diagnostics;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Scope.V1;

namespace Rollcall.Reporting.Tests;

public sealed class SpeedTests(ReportingFixture service)
{
    private static readonly string[] Courses = ["a", "b", "c"];

    /// <summary>
    /// Measured 0.2 s on two busy cores. Without Snapshot's planner settings it takes minutes here: the tables of a fresh
    /// client have no statistics.
    /// </summary>
    [Fact]
    public async Task Reports_FreshClientOfThousands_AnswerAtOnce()
    {
        const int People = 3000;
        var feed = new Feed(service, service.Clients.Add());
        List<User> people = [.. Enumerable.Range(0, People).Select(i => Feed.Person($"P{i}", $"Department {i % 40}"))];
        var roster = people.Chunk(500).ToList();
        var first = feed.RosterEvent(Feed.Noon(2));
        await feed.SendAsync([
            .. roster.Select(
                (part, i) =>
                {
                    foreach (var user in part)
                    {
                        user.Revision = 1;
                    }

                    return new RosterChanged(first)
                    {
                        Part = i + 1,
                        Parts = roster.Count,
                        Users = { part },
                    };
                }
            ),
            .. people
                .Chunk(500)
                .Select(part =>
                    feed.ScopeEvent(
                        Feed.Noon(2),
                        [.. part.Select(u => feed.Decided(u, Verdict.InScope, "everyone", "finance"))]
                    )
                ),
            .. people
                .SelectMany(u => Courses.Select(c => Feed.Open(u, c, Feed.Noon(5))))
                .Chunk(500)
                .Select(part => feed.AssignmentsEvent(Feed.Noon(2), part)),
        ]);

        var start = Stopwatch.GetTimestamp();
        var coverage = await service
            .Admin(feed.Client)
            .GetCoverageAsync(new() { ClientId = feed.Client.ClientId.ToString() });
        var took = Stopwatch.GetElapsedTime(start);

        Assert.Equal((People, 3 * People), (coverage.Total.People, coverage.Total.Overdue));
        Assert.InRange(took, TimeSpan.Zero, TimeSpan.FromSeconds(2));
    }
}
