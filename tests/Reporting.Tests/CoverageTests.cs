using Rollcall.Api.Assignment.V1;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Reporting.V1;
using Rollcall.Api.Scope.V1;

namespace Rollcall.Reporting.Tests;

public sealed class CoverageTests(ReportingFixture service)
{
    [Fact]
    public async Task GetCoverage_PeopleOfTwoAudiences_CountsEachInTotalOnce()
    {
        var feed = new Feed(service, service.Clients.Add());
        User ada = Feed.Person("Ada"),
            bob = Feed.Person("Bob", "Finance"),
            cem = Feed.Person("Cem", "Finance"),
            room = Feed.Person("Room");
        await feed.RosterAsync(Feed.Noon(2), ada, bob, cem, room);
        await feed.SendAsync(
            feed.ScopeEvent(
                Feed.Noon(2),
                feed.Decided(ada, Verdict.InScope, "everyone"),
                feed.Decided(bob, Verdict.InScope, "everyone", "finance"),
                feed.Decided(cem, Verdict.Paused, "everyone", "finance"),
                feed.Decided(room, Verdict.NotAPerson)
            )
        );
        var done = Feed.Open(ada, "basics", Feed.Noon(10));
        done.State = AssignmentState.Completed;
        var late = Feed.Open(bob, "basics", Feed.Noon(10));
        var paused = Feed.Open(cem, "basics", Feed.Noon(10));
        paused.State = AssignmentState.Paused;
        var waived = Feed.Open(bob, "fraud", Feed.Noon(10));
        waived.State = AssignmentState.Waived;
        await feed.AssignAsync(Feed.Noon(3), done, late, paused, waived);

        var report = await service
            .Admin(feed.Client)
            .GetCoverageAsync(new() { ClientId = feed.Client.ClientId.ToString() });

        Assert.Equal(
            new Coverage
            {
                People = 3,
                Paused = 1,
                WithPath = 3,
                Assigned = 3,
                Completed = 1,
                CompletionPercent = 33.3,
                PeopleCompleted = 1,
                Overdue = 1,
                PeopleOverdue = 1,
            },
            report.Total
        );
        Assert.Equal(["everyone 3", "finance 2"], report.Audiences.Select(a => $"{a.Name} {a.People}"));
        Assert.Equal(["Finance 2", "Sales 1"], report.Departments.Select(a => $"{a.Name} {a.People}"));
        Assert.Equal((1, 3, true), (report.Basis.RosterVersion, report.Basis.PolicyVersion, report.Basis.Complete));
        Assert.Equal(FakeSyncHealth.LastSuccess, report.Basis.Freshness.LastSuccessTime.ToDateTimeOffset());
        Assert.Equal("2026-01-15", report.Basis.AsOf);
    }
}
