using Rollcall.Api.Directory.V1;
using Rollcall.Api.Scope.V1;

namespace Rollcall.Reporting.Tests;

public sealed class ReconciliationTests(ReportingFixture service)
{
    [Fact]
    public async Task GetReconciliation_OneOfEach_IsAFullPartition()
    {
        var feed = new Feed(service, service.Clients.Add());
        var verdicts = Enum.GetValues<Verdict>().Where(v => v != Verdict.Unspecified).ToList();
        var people = verdicts.ToDictionary(v => v, v => Feed.Person($"{v}"));
        people[Verdict.NotAPerson].Kind = AccountKind.SharedMailbox;
        User undecided = Feed.Person("Undecided"),
            staged = Feed.Person("Staged"),
            removed = Feed.Person("Removed");
        staged.StagedForRemoval = true;
        var roster = feed.RosterEvent(Feed.Noon(2), [.. people.Values, undecided, staged, removed]);
        roster.OutsideImportCount = 7;
        await feed.SendAsync(
            roster,
            feed.ScopeEvent(
                Feed.Noon(2),
                [
                    .. verdicts.Select(v => feed.Decided(people[v], v)),
                    feed.Decided(staged, Verdict.InScope, "everyone"),
                    feed.Decided(removed, Verdict.InScope, "everyone"),
                ]
            )
        );
        removed.State = UserState.Removed;
        await feed.RosterAsync(Feed.Noon(3), removed);

        var report = await service
            .Admin(feed.Client)
            .GetReconciliationAsync(new() { ClientId = feed.Client.ClientId.ToString() });

        Assert.Equal(
            [
                "InScope  1",
                "Paused  1",
                "Held code-Held 1",
                "NotAPerson SHARED_MAILBOX 1",
                "ExcludedByRule code-ExcludedByRule 1",
                "ExcludedByException code-ExcludedByException 1",
                "NotIncluded code-NotIncluded 1",
                "Escrowed code-Escrowed 1",
                "StagedForRemoval IN_SCOPE 1",
                "Left REMOVED 1",
                "Left code-Left 1",
                "NotDecided NOT_DECIDED 1",
                "OutsideImportScope  7",
            ],
            report.Lines.Select(l => $"{l.Standing} {l.Detail} {l.People}")
        );
        Assert.Equal((19, 3, true), (report.Total, report.InScope, report.OutsideImportScopeKnown));
    }

    [Fact]
    public async Task GetReconciliation_LeftBeforeThePeriod_IsNotCounted()
    {
        var feed = new Feed(service, service.Clients.Add());
        var ada = Feed.Person("Ada");
        await feed.RosterAsync(Feed.Noon(2), ada);
        ada.State = UserState.Removed;
        await feed.RosterAsync(Feed.Noon(4), ada);
        ada.State = UserState.Purged;
        await feed.RosterAsync(Feed.Noon(8), ada);

        async Task<long> Since(string day) =>
            (
                await service
                    .Admin(feed.Client)
                    .GetReconciliationAsync(new() { ClientId = feed.Client.ClientId.ToString(), From = day })
            ).Total;

        Assert.Equal((1, 1, 0), (await Since(""), await Since("2026-01-04"), await Since("2026-01-05")));
    }

    [Fact]
    public async Task GetReconciliation_PeriodEndsBeforeItStarts_IsInvalid()
    {
        var client = service.Clients.Add();

        var error = await Assert.ThrowsAsync<Grpc.Core.RpcException>(async () =>
            await service
                .Admin(client)
                .GetReconciliationAsync(
                    new()
                    {
                        ClientId = client.ClientId.ToString(),
                        AsOf = "2026-01-05",
                        From = "2026-01-06",
                    }
                )
        );

        Assert.Equal(Grpc.Core.StatusCode.InvalidArgument, error.StatusCode);
    }
}
