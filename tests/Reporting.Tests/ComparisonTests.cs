using Rollcall.Api.Assignment.V1;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Reporting.V1;
using Rollcall.Api.Scope.V1;

namespace Rollcall.Reporting.Tests;

public sealed class ComparisonTests(ReportingFixture service)
{
    [Fact]
    public async Task CompareReports_JoinerMoverLeaver_NamesEach()
    {
        var feed = new Feed(service, service.Clients.Add());
        User joiner = Feed.Person("Joiner"),
            mover = Feed.Person("Mover"),
            leaver = Feed.Person("Leaver"),
            learner = Feed.Person("Learner"),
            same = Feed.Person("Same"),
            never = Feed.Person("Never");
        await feed.RosterAsync(Feed.Noon(2), mover, leaver, learner, same, never);
        await feed.SendAsync(
            feed.ScopeEvent(
                Feed.Noon(2),
                [
                    .. new[] { mover, leaver, learner, same }.Select(u => feed.Decided(u, Verdict.InScope, "everyone")),
                    feed.Decided(never, Verdict.NotIncluded),
                ]
            )
        );
        var work = Feed.Open(learner, "basics", Feed.Noon(20));
        await feed.AssignAsync(Feed.Noon(2), work);

        leaver.State = UserState.Removed;
        await feed.RosterAsync(Feed.Noon(6), joiner, leaver);
        await feed.SendAsync(
            feed.ScopeEvent(
                Feed.Noon(6),
                feed.Decided(joiner, Verdict.InScope, "everyone"),
                feed.Decided(mover, Verdict.InScope, "everyone", "finance"),
                feed.Decided(leaver, Verdict.Left)
            )
        );
        work.State = AssignmentState.Completed;
        await feed.AssignAsync(Feed.Noon(7), work);
        var request = new CompareReportsRequest
        {
            ClientId = feed.Client.ClientId.ToString(),
            Before = "2026-01-05",
            After = "2026-01-08",
        };

        var report = await service.Admin(feed.Client).CompareReportsAsync(request);
        var movers = await service.Admin(feed.Client).CompareReportsAsync(new(request) { Kind = ChangeKind.Mover });

        Assert.Equal(
            new ChangeCounts
            {
                Joiners = 1,
                Movers = 1,
                Leavers = 1,
                CompletionChanged = 1,
                Unchanged = 1,
            },
            report.Counts
        );
        Assert.Equal(
            [
                "Joiner Joiner Unspecified>InScope >everyone 0/0>0/0",
                "Learner Completion InScope>InScope everyone>everyone 0/1>1/1",
                "Leaver Leaver InScope>Left everyone> 0/0>0/0",
                "Mover Mover InScope>InScope everyone>everyone,finance 0/0>0/0",
            ],
            report.Changes.Select(Text).Order(StringComparer.Ordinal)
        );
        Assert.Equal((4, 4), (report.CoverageBefore.People, report.CoverageAfter.People));
        Assert.Equal((1, 2), (report.Before.RosterVersion, report.After.RosterVersion));
        Assert.Equal("Mover", Assert.Single(movers.Changes).DisplayName);
        Assert.Equal(report.Counts, movers.Counts);
    }

    [Theory]
    [InlineData("2026-01-08", "2026-01-08")]
    [InlineData("2026-01-08", "2026-01-05")]
    [InlineData("", "2026-01-05")]
    public async Task CompareReports_DaysNotInOrder_IsInvalid(string before, string after)
    {
        var client = service.Clients.Add();

        var error = await Assert.ThrowsAsync<Grpc.Core.RpcException>(async () =>
            await service
                .Admin(client)
                .CompareReportsAsync(
                    new()
                    {
                        ClientId = client.ClientId.ToString(),
                        Before = before,
                        After = after,
                    }
                )
        );

        Assert.Equal(Grpc.Core.StatusCode.InvalidArgument, error.StatusCode);
    }

    private static string Text(PersonChange c) =>
        $"{c.DisplayName} {c.Kind} {c.StandingBefore}>{c.StandingAfter} "
        + $"{string.Join(',', c.AudiencesBefore)}>{string.Join(',', c.AudiencesAfter)} "
        + $"{c.CompletedBefore}/{c.AssignedBefore}>{c.CompletedAfter}/{c.AssignedAfter}";
}
