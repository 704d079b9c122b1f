using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Assignment.V1;
using Rollcall.Api.Scope.V1;
using Rollcall.Platform;
using Rollcall.Testing;
using static Rollcall.Assignment.Tests.TestTenant;

namespace Rollcall.Assignment.Tests;

public sealed class ScopeChangedConsumerTests(AssignmentFixture fixture)
{
    /// <summary>
    /// Promise R3. Goes red without the revision check (tests/mutants/assignment-revision.patch): the decisions that
    /// arrive last are old ones. Without the inbox alone it stays green, because the revision check also makes a second
    /// delivery harmless; without the primary key two rows of one key would appear.
    /// </summary>
    [Fact]
    public async Task Consume_EverythingFiveTimesInAnyOrderAtOnce_LeavesOneRowPerKeyAndTheNewestDecision()
    {
        var tenant = await fixture.NewTenantAsync(courses: ["phishing", "fraud"]);
        var users = Enumerable.Range(0, 30).Select(_ => Guid.CreateVersion7()).ToList();
        var random = new Random(7);
        var messages = Decisions(users)
            .OrderBy(_ => random.Next())
            .Chunk(10)
            .Select(part => (Id: Guid.CreateVersion7(), Event: tenant.Event(part)))
            .ToList();
        var deliveries = Enumerable
            .Repeat(messages, 5)
            .SelectMany((all, i) => all.Select(m => m with { Id = i < 3 ? m.Id : Guid.CreateVersion7() }))
            .OrderBy(_ => random.Next())
            .ToList();

        await Task.WhenAll(deliveries.Select(d => fixture.PublishAsync(d.Event, d.Id)));
        await tenant.HandledAsync([.. deliveries.Select(d => d.Id).Distinct()]);
        await tenant.ReceiveAsync(Decisions(users).Where(d => d.Revision == 2));

        var rows = await tenant.RowsAsync();
        Assert.Equal(rows.Count, rows.DistinctBy(r => (r.UserId, r.CourseId, r.Cycle)).Count());
        Assert.Equal(
            users.SelectMany((u, i) => Expected(u, i)).Order(),
            rows.Where(r => r.State != AssignmentState.Withdrawn)
                .Select(r => (r.UserId, r.CourseTitle, r.State))
                .Order()
        );
        await PublishedIsStoredAsync(tenant);
    }

    [Fact]
    public async Task Consume_SameUsersInOppositeOrders_FinishesBoth()
    {
        var tenant = await fixture.NewTenantAsync(courses: ["phishing"]);
        var users = Enumerable.Range(0, 200).Select(_ => Guid.CreateVersion7()).ToList();
        var ids = Enumerable.Range(0, 8).Select(_ => Guid.CreateVersion7()).ToArray();

        await Task.WhenAll(
            ids.Select(
                (id, i) =>
                {
                    var decisions = users.Select(u => Decide(u, i + 1, Verdict.InScope, "baseline"));
                    return fixture.PublishAsync(tenant.Event(i % 2 == 0 ? decisions : decisions.Reverse()), id);
                }
            )
        );
        await tenant.HandledAsync(ids);

        Assert.Equal(users.Order(), (await tenant.RowsAsync()).Select(r => r.UserId).Order());
    }

    [Fact]
    public async Task Consume_TwoDecisionsAboutOneUserInOneMessage_TheNewerCounts()
    {
        var tenant = await fixture.NewTenantAsync(courses: ["phishing"]);
        var user = Guid.CreateVersion7();

        await tenant.ReceiveAsync(Decide(user, 2, Verdict.InScope, "baseline"), Decide(user, 1, Verdict.NotIncluded));

        Assert.Equal(2, Assert.Single(await tenant.RowsAsync()).RosterVersion);
    }

    [Fact]
    public async Task Consume_FiveHundredUsersWithThreeCourses_PublishesEachRowOnceInPartsOfFiveHundred()
    {
        var tenant = await fixture.NewTenantAsync(courses: ["phishing", "fraud", "passwords"]);
        var users = Enumerable.Range(0, 500).Select(_ => Guid.CreateVersion7()).ToList();

        await tenant.ReceiveAsync(users.Select(u => Decide(u, 1, Verdict.InScope, "baseline")));
        await tenant.ReceiveAsync(users.Select(u => Decide(u, 2, Verdict.InScope, "baseline", "visitors")));

        await Eventually.HoldsAsync(() => Assert.Equal(1500, tenant.Published().Count));
        var events = fixture.Events.Of<AssignmentsChanged>(Guid.Parse(tenant.ClientId));
        Assert.Equal([500, 500, 500], events.Select(e => e.Assignments.Count));
        Assert.All(tenant.Published(), a => Assert.Equal(1, a.Revision));
    }

    [Fact]
    public async Task Consume_Joiner_PublishesTheAssignmentInFull()
    {
        var tenant = await fixture.NewTenantAsync("Europe/Copenhagen", "phishing");
        var user = Guid.CreateVersion7();

        await tenant.ReceiveAsync(Decide(user, 1, Verdict.InScope, "baseline"));

        var row = Assert.Single(await tenant.RowsAsync());
        await PublishedIsStoredAsync(tenant);
        var published = Assert.Single(tenant.Published());
        Assert.Equal((row.Id.ToString(), user.ToString()), (published.Id, published.UserId));
        Assert.Equal(
            ("phishing", "1", "Asked for by baseline"),
            (published.CourseTitle, published.Cycle, published.Reason)
        );
        Assert.Equal(["baseline"], published.Causes);
        Assert.Equal(fixture.Clock.GetUtcNow(), published.OpenTime.ToDateTimeOffset());
        Assert.Equal(
            (22, 59, 59),
            published.DueTime.ToDateTimeOffset() is var due ? (due.Hour, due.Minute, due.Second) : default
        );
    }

    [Fact]
    public async Task Consume_AnotherClientsTenant_SeesNoRowOfThisOne()
    {
        var tenant = await fixture.NewTenantAsync(courses: ["phishing"]);
        await tenant.ReceiveAsync(Decide(Guid.CreateVersion7(), 1, Verdict.InScope, "baseline"));
        var sibling = fixture.Clients.Add(tenant.MspId);
        var stranger = fixture.Clients.Add();

        Assert.Equal((1, 1, 1, 1, 1), await CountAsync(tenant.Tenant));
        Assert.Equal((1, 0, 0, 0, 0), await CountAsync(Tenant.Client(sibling.MspId, sibling.ClientId)));
        Assert.Equal((0, 0, 0, 0, 0), await CountAsync(Tenant.Client(stranger.MspId, stranger.ClientId)));
        Assert.Equal((0, 0, 0, 0, 0), await CountAsync(Tenant.Client(stranger.MspId, Guid.Parse(tenant.ClientId))));
    }

    /// <summary>Revision r of user i; the last of them, 4, decides: paused, left, or in scope with one or both audiences.</summary>
    private static IEnumerable<Decision> Decisions(IEnumerable<Guid> users) =>
        users.SelectMany(
            (user, i) =>
                new[]
                {
                    Decide(user, 1, Verdict.InScope, "baseline"),
                    Decide(user, 2, Verdict.Left),
                    Decide(user, 3, Verdict.InScope, "baseline"),
                    (i % 3) switch
                    {
                        0 => Decide(user, 4, Verdict.InScope, "baseline"),
                        1 => Decide(user, 4, Verdict.Left),
                        _ => Decide(user, 4, Verdict.InScope, "baseline", "visitors"),
                    },
                }
        );

    private static IEnumerable<(Guid, string, AssignmentState)> Expected(Guid user, int i) =>
        i % 3 == 1 ? [] : [(user, "phishing", AssignmentState.Open), (user, "fraud", AssignmentState.Open)];

    private static Task PublishedIsStoredAsync(TestTenant tenant) =>
        Eventually.HoldsAsync(async () =>
            Assert.Equal(
                (await tenant.RowsAsync()).Select(r => (r.Id.ToString(), r.Revision, r.State)).Order(),
                tenant.Published().Select(a => (a.Id, a.Revision, a.State)).Order()
            )
        );

    /// <summary>Courses, and without a predicate of the code's: paths, clients, decisions, assignments.</summary>
    private Task<(int, int, int, int, int)> CountAsync(Tenant tenant) =>
        fixture.DbAsync(
            tenant,
            async db =>
                (
                    await db.Courses.CountAsync(),
                    await db.Paths.CountAsync(),
                    await db.Clients.CountAsync(),
                    await db.Decisions.CountAsync(),
                    await db.Assignments.CountAsync()
                )
        );
}
