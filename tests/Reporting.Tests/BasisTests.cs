using Rollcall.Api.Reporting.V1;
using Rollcall.Api.Scope.V1;

namespace Rollcall.Reporting.Tests;

/// <summary>A report never hides what it lacks.</summary>
public sealed class BasisTests(ReportingFixture service)
{
    [Fact]
    public async Task Basis_DecisionsOlderThanRoster_SaysSo()
    {
        var feed = new Feed(service, service.Clients.Add());
        var ada = Feed.Person("Ada");
        await feed.RosterAsync(Feed.Noon(2), ada);
        await feed.DecideAsync(Feed.Noon(2), ada, Verdict.InScope, "everyone");
        await feed.RosterAsync(Feed.Noon(3), Feed.Person("Bob"));

        var basis = await BasisAsync(feed);

        Assert.False(basis.Complete);
        Assert.Equal((2, 1), (basis.RosterVersion, basis.DecidedRosterVersion));
        Assert.Equal(
            [
                "Decisions rest on roster version 1, the roster is at version 2: its changes may not be decided yet.",
                "People in the roster who are not decided yet: 1.",
            ],
            basis.Notices
        );
    }

    [Fact]
    public async Task Basis_DecisionsForAVersionThatChangedNobody_IsComplete()
    {
        var feed = new Feed(service, service.Clients.Add());
        var ada = Feed.Person("Ada");
        await feed.RosterAsync(Feed.Noon(2), ada);
        await feed.DecideAsync(Feed.Noon(2), ada, Verdict.InScope, "everyone");
        await feed.RosterAsync(Feed.Noon(3), ada);
        await feed.SendAsync(feed.ScopeEvent(Feed.Noon(3)));

        Assert.True((await BasisAsync(feed)).Complete);
    }

    [Fact]
    public async Task Basis_VersionIncomplete_RestsOnTheOneBefore()
    {
        var feed = new Feed(service, service.Clients.Add());
        var ada = Feed.Person("Ada");
        await feed.RosterAsync(Feed.Noon(2), ada);
        await feed.DecideAsync(Feed.Noon(2), ada, Verdict.InScope, "everyone");
        var half = feed.RosterEvent(Feed.Noon(3), Feed.Person("Bob"));
        half.Parts = 2;
        await feed.SendAsync(half);

        var basis = await BasisAsync(feed);

        Assert.Equal((1, false), (basis.RosterVersion, basis.Complete));
        Assert.Equal(["Roster version 2 has not arrived completely; the report rests on version 1."], basis.Notices);
    }

    [Fact]
    public async Task Basis_DirectorySyncDown_ReportsWithoutFreshness()
    {
        var feed = new Feed(service, service.Clients.Add());
        service.SyncHealth.Down.Add(feed.Client.ClientId.ToString());

        var basis = await BasisAsync(feed);

        Assert.Null(basis.Freshness);
        Assert.Equal(["No roster had arrived.", "How fresh the roster is could not be found out."], basis.Notices);
    }

    private async Task<ReportBasis> BasisAsync(Feed feed) =>
        (await service.Admin(feed.Client).GetCoverageAsync(new() { ClientId = feed.Client.ClientId.ToString() })).Basis;
}
