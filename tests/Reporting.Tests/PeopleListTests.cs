using Rollcall.Api.Assignment.V1;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Reporting.V1;
using Rollcall.Api.Scope.V1;

namespace Rollcall.Reporting.Tests;

public sealed class PeopleListTests(ReportingFixture service)
{
    [Fact]
    public async Task ListOverdue_Pages_GivesEachOnceLongestOverdueFirst()
    {
        var feed = new Feed(service, service.Clients.Add(timeZone: "Europe/Copenhagen"));
        User boss = Feed.Person("Boss"),
            ada = Feed.Person("Ada"),
            outsider = Feed.Person("Out");
        ada.ManagerId = boss.Id;
        await feed.RosterAsync(Feed.Noon(2), boss, ada, outsider);
        await feed.DecideAsync(Feed.Noon(2), ada, Verdict.InScope, "everyone");
        await feed.DecideAsync(Feed.Noon(2), outsider, Verdict.ExcludedByRule);
        await feed.AssignAsync(
            Feed.Noon(2),
            [
                Feed.Open(ada, "c", Feed.Noon(12)),
                Feed.Open(ada, "a", Feed.Noon(5)),
                Feed.Open(ada, "b", Feed.Noon(5).AddHours(11).AddMinutes(30)),
                Feed.Open(ada, "future", Feed.Noon(20)),
                Feed.Open(outsider, "a", Feed.Noon(5)),
            ]
        );
        var request = new ListOverdueRequest { ClientId = feed.Client.ClientId.ToString(), PageSize = 1 };

        List<OverdueAssignment> all = [];
        do
        {
            var page = await service.Admin(feed.Client).ListOverdueAsync(request);
            all.AddRange(page.Assignments);
            request.PageToken = page.NextPageToken;
        } while (request.PageToken.Length > 0);

        // 5 January 23:30 UTC is the 6th in Copenhagen.
        Assert.Equal(["a 10", "b 9", "c 3"], all.Select(a => $"{a.CourseId} {a.DaysOverdue}"));
        Assert.All(all, a => Assert.Equal(("Ada", "Boss"), (a.DisplayName, a.ManagerDisplayName)));
    }

    [Fact]
    public async Task ListOverdue_PastDay_ListsWhatWasOverdueThen()
    {
        var feed = new Feed(service, service.Clients.Add());
        var ada = Feed.Person("Ada");
        await feed.RosterAsync(Feed.Noon(2), ada);
        await feed.DecideAsync(Feed.Noon(2), ada, Verdict.InScope, "everyone");
        var work = Feed.Open(ada, "basics", Feed.Noon(5));
        await feed.AssignAsync(Feed.Noon(2), work);
        work.State = AssignmentState.Completed;
        await feed.AssignAsync(Feed.Noon(8), work);

        async Task<int> On(string day) =>
            (
                await service
                    .Admin(feed.Client)
                    .ListOverdueAsync(new() { ClientId = feed.Client.ClientId.ToString(), AsOf = day })
            )
                .Assignments
                .Count;

        Assert.Equal((0, 1, 0), (await On("2026-01-04"), await On("2026-01-07"), await On("2026-01-08")));
    }

    [Fact]
    public async Task ListExclusions_EveryoneNotInScope_HasAReason()
    {
        var feed = new Feed(service, service.Clients.Add());
        User ada = Feed.Person("Ada"),
            bob = Feed.Person("Bob"),
            cem = Feed.Person("Cem"),
            dee = Feed.Person("Dee"),
            eve = Feed.Person("Eve");
        eve.StagedForRemoval = true;
        await feed.RosterAsync(Feed.Noon(2), ada, bob, cem, dee, eve);
        await feed.SendAsync(
            feed.ScopeEvent(
                Feed.Noon(2),
                feed.Decided(ada, Verdict.InScope, "everyone"),
                feed.Decided(bob, Verdict.ExcludedByException),
                feed.Decided(dee, Verdict.InScope, "everyone"),
                feed.Decided(eve, Verdict.InScope, "everyone")
            )
        );
        dee.State = UserState.Removed;
        await feed.RosterAsync(Feed.Noon(3), dee);
        var request = new ListExclusionsRequest { ClientId = feed.Client.ClientId.ToString(), PageSize = 3 };

        var first = await service.Admin(feed.Client).ListExclusionsAsync(request);
        var second = await service
            .Admin(feed.Client)
            .ListExclusionsAsync(new(request) { PageToken = first.NextPageToken });
        var left = await service.Admin(feed.Client).ListExclusionsAsync(new(request) { Standing = Standing.Left });

        Assert.Equal(
            [
                "Bob ExcludedByException code-ExcludedByException",
                "Cem NotDecided NOT_DECIDED",
                "Dee Left REMOVED",
                "Eve StagedForRemoval STAGED_FOR_REMOVAL",
            ],
            first
                .Exclusions.Concat(second.Exclusions)
                .Select(e => $"{e.DisplayName} {e.Standing} {e.ReasonCode}")
                .Order(StringComparer.Ordinal)
        );
        Assert.All(first.Exclusions, e => Assert.NotEmpty(e.Reason));
        Assert.Equal("", second.NextPageToken);
        Assert.Equal("Dee", Assert.Single(left.Exclusions).DisplayName);
    }

    [Fact]
    public async Task GetCompletion_Leaver_KeepsWhatWasCompletedWhileEmployed()
    {
        var feed = new Feed(service, service.Clients.Add());
        User ada = Feed.Person("Ada"),
            bob = Feed.Person("Bob");
        await feed.RosterAsync(Feed.Noon(2), ada, bob);
        await feed.DecideAsync(Feed.Noon(2), ada, Verdict.InScope, "everyone");
        await feed.DecideAsync(Feed.Noon(2), bob, Verdict.InScope, "everyone");
        var done = Feed.Open(ada, "basics", Feed.Noon(9));
        done.State = AssignmentState.Completed;
        await feed.AssignAsync(Feed.Noon(3), done, Feed.Open(bob, "basics", Feed.Noon(9)));
        ada.State = UserState.Removed;
        await feed.RosterAsync(Feed.Noon(6), ada);
        await feed.DecideAsync(Feed.Noon(6), ada, Verdict.Left);

        async Task<CourseCompletion> On(string day) =>
            Assert.Single(
                (
                    await service
                        .Admin(feed.Client)
                        .GetCompletionAsync(new() { ClientId = feed.Client.ClientId.ToString(), AsOf = day })
                ).Courses
            );
        var (before, after) = (await On("2026-01-05"), await On("2026-01-07"));

        Assert.Equal(
            (2, 1, 0, 50.0),
            (before.Assigned, before.Completed, before.CompletedWhileEmployed, before.CompletionPercent)
        );
        Assert.Equal(
            (1, 0, 1, 0.0),
            (after.Assigned, after.Completed, after.CompletedWhileEmployed, after.CompletionPercent)
        );
    }
}
