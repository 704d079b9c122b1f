using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Scope.V1;
using Rollcall.Platform;
using Rollcall.Testing;

namespace Rollcall.ScopeRules.Tests;

public sealed class RosterChangedConsumerTests(ScopeFixture fixture)
{
    private readonly TestClient client = fixture.NewClient();

    [Fact]
    public async Task Consume_BeforeAnyPolicy_DecidesNothing()
    {
        await client.RosterAsync(People.Person());

        Assert.Empty(await client.RowsAsync());
    }

    [Fact]
    public async Task Consume_TouchedPeople_AreDecidedOnAndPublished()
    {
        var (ada, bo) = (People.Person(), People.Person(u => u.UserType = "Guest"));
        await client.PublishAsync(TestClient.Staff, TestClient.Guests);

        await client.RosterAsync(ada, bo);

        var decision = await client.DecisionAsync(ada);
        Assert.Equal(
            (Verdict.InScope, 1L, 1L, 1L),
            (decision.Verdict, decision.Revision, decision.RosterVersion, decision.PolicyVersion)
        );
        Assert.Equal(Verdict.ExcludedByRule, (await client.DecisionAsync(bo)).Verdict);
        await Eventually.HoldsAsync(() => Assert.Equal([decision], client.Published().Where(d => d.UserId == ada.Id)));
    }

    [Fact]
    public async Task Consume_ChangeThatDecidesNothingElse_WritesAndPublishesNothing()
    {
        var ada = People.Person();
        await client.PublishAsync(TestClient.Staff);
        await client.RosterAsync(ada);

        await client.RosterAsync(People.Person(), new User(ada) { Revision = 2, JobTitle = "Welder" });
        await client.RosterAsync(People.Person());

        Assert.Single(await client.RowsAsync(), r => r.UserId.ToString() == ada.Id);
        await Eventually.HoldsAsync(() => Assert.Equal(3, client.Published().Count));
    }

    [Fact]
    public async Task Consume_VersionThatChangesNoDecision_IsToldWithoutDecisions()
    {
        var ada = People.Person();
        await client.PublishAsync(TestClient.Staff);
        await client.RosterAsync(ada);

        await client.RosterAsync(new User(ada) { Revision = 2, JobTitle = "Welder" });

        await Eventually.HoldsAsync(() =>
        {
            var last = fixture.Events.Of<ScopeChanged>(client.Id)[^1];
            Assert.Equal((2L, 0), (last.RosterVersion, last.Decisions.Count));
        });
    }

    [Fact]
    public async Task Consume_IncompleteVersion_Waits()
    {
        var people = Enumerable.Range(0, 4).Select(_ => People.Person()).ToList();
        await client.PublishAsync(TestClient.Staff);
        var first = client.Version(people, size: 2);
        var second = client.Version([People.Person()]);

        await fixture.PublishAsync(second[0]);
        await fixture.PublishAsync(first[1]);
        await Eventually.HoldsAsync(async () => Assert.Equal(2, await WaitingPartsAsync()));
        Assert.Empty(await client.RowsAsync());

        await fixture.PublishAsync(first[0]);
        await client.AppliedAsync(2);
        Assert.Equal(5, (await client.DecisionsAsync()).Count);
    }

    [Fact]
    public async Task Consume_DuplicatesAndReordering_LeaveTheSameState()
    {
        var (straight, shuffled) = (client, fixture.NewClient());
        var random = new Random(7);
        foreach (var each in new[] { straight, shuffled })
        {
            await each.PublishAsync(TestClient.Staff, TestClient.Finance, TestClient.Guests);
        }

        var people = Enumerable.Range(0, 12).Select(_ => People.Person()).ToList();
        var history = new List<List<User>>();
        for (var round = 0; round < 6; round++)
        {
            people = [.. people.Select(u => random.Next(3) == 0 ? Change(u, random) : u)];
            history.Add([.. people.Where(u => round == 0 || u.Revision > 1)]);
        }

        foreach (var users in history)
        {
            await straight.RosterAsync(users);
        }

        var parts = history.SelectMany(users => shuffled.Version(users, size: 3)).ToArray();
        var deliveries = parts.Concat(parts.Where(_ => random.Next(2) == 0)).ToArray();
        random.Shuffle(deliveries);
        foreach (var part in deliveries)
        {
            await fixture.PublishAsync(part);
        }

        await shuffled.AppliedAsync(6);
        Assert.Equal(
            (await straight.DecisionsAsync()).OrderBy(d => d.Key),
            (await shuffled.DecisionsAsync()).OrderBy(d => d.Key)
        );
        Assert.Equal(
            (await straight.RowsAsync()).Select(r => (r.UserId, r.Revision, r.Verdict)).Order(),
            (await shuffled.RowsAsync()).Select(r => (r.UserId, r.Revision, r.Verdict)).Order()
        );
    }

    [Fact]
    public async Task Consume_GroupNamedInALaterPart_CountsAtOnce()
    {
        var finance = People.Group("Finance");
        var people = Enumerable.Range(0, 4).Select(_ => People.Person(u => u.GroupIds.Add(finance.Id))).ToList();
        await client.PublishAsync(
            TestClient.Include("finance", "user.memberOf -any (group.displayName -eq \"Finance\")")
        );

        foreach (var part in client.Version(people, [finance], size: 2))
        {
            await fixture.PublishAsync(part);
        }

        await client.AppliedAsync(1);
        Assert.All((await client.DecisionsAsync()).Values, d => Assert.Equal((Verdict.InScope, "finance"), d));
        Assert.Equal(4, (await client.RowsAsync()).Count);
    }

    [Fact]
    public async Task Consume_GroupRenamed_DecidesAgainAboutItsPeople()
    {
        var finance = People.Group("Finance");
        var ada = People.Person(u => u.GroupIds.Add(finance.Id));
        await client.PublishAsync(
            TestClient.Include("finance", "user.memberOf -any (group.displayName -eq \"Finance\")")
        );
        await client.RosterAsync([ada], [finance]);

        await client.RosterAsync([], [new Group(finance) { Revision = 2, DisplayName = "Money" }]);
        await client.SettledAsync();

        Assert.Equal(Verdict.NotIncluded, (await client.DecisionAsync(ada)).Verdict);
    }

    [Fact]
    public async Task Consume_StagedForRemoval_KeepsTheDecision()
    {
        var ada = People.Person(u => u.Department = "Finance");
        await client.PublishAsync(TestClient.Finance);
        await client.RosterAsync(ada);

        var staged = new User(ada)
        {
            Revision = 2,
            Department = "",
            StagedForRemoval = true,
        };
        await client.RosterAsync(staged);
        Assert.Equal(Verdict.InScope, (await client.DecisionAsync(ada)).Verdict);

        await client.RosterAsync(
            new User(staged)
            {
                Revision = 3,
                State = UserState.Removed,
                StagedForRemoval = false,
            }
        );
        Assert.Equal(Verdict.Left, (await client.DecisionAsync(ada)).Verdict);
    }

    [Fact]
    public async Task Consume_ManyPeople_PublishesAtMost500DecisionsAMessage()
    {
        await client.PublishAsync(TestClient.Staff);

        await client.RosterAsync([.. Enumerable.Range(0, 1200).Select(_ => People.Person())]);

        await Eventually.HoldsAsync(() =>
        {
            var events = fixture.Events.Of<ScopeChanged>(client.Id);
            Assert.Equal(1200, events.Sum(e => e.Decisions.Count));
            Assert.All(events, e => Assert.InRange(e.Decisions.Count, 1, 500));
        });
    }

    private Task<int> WaitingPartsAsync() =>
        fixture.DbAsync(
            client.Tenant,
            db => db.Set<RosterPart>().CountAsync(p => p.ClientId == client.Id, CancellationToken.None)
        );

    private static User Change(User user, Random random)
    {
        var changed = new User(user) { Revision = user.Revision + 1 };
        changed.Department = random.Next(2) == 0 ? "Finance" : "Sales";
        changed.UserType = random.Next(4) == 0 ? "Guest" : "Member";
        changed.State = random.Next(6) == 0 ? UserState.Removed : UserState.Active;
        return changed;
    }
}
