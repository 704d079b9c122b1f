using Google.Protobuf.WellKnownTypes;
using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Assignment.V1;
using Rollcall.Api.Scope.V1;
using Rollcall.Testing;
using static Rollcall.Assignment.Tests.TestTenant;
using Message = Rollcall.Api.Assignment.V1.Assignment;

namespace Rollcall.Assignment.Tests;

public sealed class AssignmentApiTests(AssignmentFixture fixture)
{
    [Fact]
    public async Task RecordProgress_StartedThenCompleted_KeepsBothTimesAndTheScore()
    {
        var (tenant, assignment) = await AssignAsync();
        var started = fixture.Clock.GetUtcNow().AddHours(-2).ToTimestamp();

        await tenant.Assignments.RecordProgressAsync(Report(tenant, assignment, Progress.Started, started));
        var completed = await CompleteAsync(tenant, assignment, score: 87.5);

        Assert.Equal((AssignmentState.Completed, 87.5, 3), (completed.State, completed.Score, completed.Revision));
        Assert.Equal((started, false), (completed.StartTime, completed.CompletedAfterWithdrawal));
        Assert.Equal(fixture.Clock.GetUtcNow().ToTimestamp(), completed.CompleteTime);
        await Eventually.HoldsAsync(() => Assert.Equal(completed, Assert.Single(tenant.Published())));
    }

    [Fact]
    public async Task RecordProgress_ByUserAndCourseTwice_ReturnsTheFirstAnswer()
    {
        var (tenant, assignment) = await AssignAsync();
        var report = new RecordProgressRequest
        {
            ClientId = tenant.ClientId,
            UserId = assignment.UserId,
            CourseId = assignment.CourseId,
            Progress = Progress.Completed,
            Score = 60,
        };

        var first = await tenant.Assignments.RecordProgressAsync(report);
        report.Score = 70;
        var second = await tenant.Assignments.RecordProgressAsync(report);

        Assert.Equal(first, second);
        Assert.Equal((assignment.Id, 60), (first.Assignment.Id, first.Assignment.Score));
    }

    [Fact]
    public async Task RecordProgress_SameRequestAfterReopening_ChangesNothing()
    {
        var (tenant, assignment) = await AssignAsync();
        var report = Report(tenant, assignment, Progress.Completed);
        report.RequestId = Guid.CreateVersion7().ToString();
        await Task.WhenAll(
            Enumerable.Range(0, 4).Select(_ => tenant.Assignments.RecordProgressAsync(report).ResponseAsync)
        );
        await ReopenAsync(tenant, assignment);

        var repeated = (await tenant.Assignments.RecordProgressAsync(report)).Assignment;

        Assert.Equal((AssignmentState.Open, 3), (repeated.State, repeated.Revision));
        Assert.Equal(2, await fixture.DbAsync(tenant.Tenant, db => db.Actions.CountAsync()));
    }

    [Fact]
    public async Task RecordProgress_RepeatedReportAfterTheNextCycleOpened_DoesNotCompleteThatOne()
    {
        var (tenant, assignment) = await AssignAsync();
        var done = await CompleteAsync(tenant, assignment);
        await fixture.DbAsync(
            tenant.Tenant,
            db => db.Assignments.ExecuteUpdateAsync(a => a.SetProperty(x => x.Cycle, "2025"))
        );
        await tenant.SetPathAsync("baseline", [assignment.CourseId], recurrence: Recurrence.Yearly);
        await tenant.PlannedAsync();
        var report = new RecordProgressRequest
        {
            ClientId = tenant.ClientId,
            UserId = assignment.UserId,
            CourseId = assignment.CourseId,
            Progress = Progress.Completed,
            ProgressTime = done.CompleteTime,
        };

        var answer = await tenant.Assignments.RecordProgressAsync(report);

        Assert.Equal("2025", answer.Assignment.Cycle);
        Assert.Equal(
            [("2025", AssignmentState.Completed), ("2026", AssignmentState.Open)],
            (await tenant.RowsAsync()).Select(r => (r.Cycle, r.State))
        );
    }

    [Fact]
    public async Task RecordProgress_AfterWithdrawal_IsKeptAndMarked()
    {
        var (tenant, assignment) = await AssignAsync();
        await tenant.ReceiveAsync(Decide(Guid.Parse(assignment.UserId), 2, Verdict.Left));

        var completed = await CompleteAsync(tenant, assignment);
        await tenant.ReceiveAsync(Decide(Guid.Parse(assignment.UserId), 3, Verdict.InScope, "baseline"));

        Assert.Equal((AssignmentState.Completed, true), (completed.State, completed.CompletedAfterWithdrawal));
        Assert.Equal(AssignmentState.Completed, Assert.Single(await tenant.RowsAsync()).State);
    }

    [Fact]
    public async Task RecordProgress_DoneBeforeTheWithdrawalButReportedAfterIt_IsNotMarked()
    {
        var (tenant, assignment) = await AssignAsync();
        await tenant.ReceiveAsync(Decide(Guid.Parse(assignment.UserId), 2, Verdict.Left));
        var before = fixture.Clock.GetUtcNow().AddMinutes(-1).ToTimestamp();

        var answer = await tenant.Assignments.RecordProgressAsync(
            Report(tenant, assignment, Progress.Completed, before)
        );

        Assert.Equal(
            (AssignmentState.Completed, false),
            (answer.Assignment.State, answer.Assignment.CompletedAfterWithdrawal)
        );
    }

    [Fact]
    public async Task RecordProgress_Nonsense_IsRefusedByReason()
    {
        var (tenant, assignment) = await AssignAsync();
        var client = tenant.Assignments;
        var stranger = Report(tenant, assignment, Progress.Completed);
        stranger.AssignmentId = Guid.CreateVersion7().ToString();
        var neverAsked = new RecordProgressRequest
        {
            ClientId = tenant.ClientId,
            UserId = assignment.UserId,
            CourseId = Guid.CreateVersion7().ToString(),
            Progress = Progress.Completed,
        };
        var tomorrow = Report(
            tenant,
            assignment,
            Progress.Completed,
            fixture.Clock.GetUtcNow().AddDays(1).ToTimestamp()
        );
        var tooGood = Report(tenant, assignment, Progress.Completed);
        tooGood.Score = 101;
        var startedWell = Report(tenant, assignment, Progress.Started);
        startedWell.Score = 50;

        await Refused.WithAsync("ASSIGNMENT_NOT_FOUND", () => client.RecordProgressAsync(stranger));
        await Refused.WithAsync("ASSIGNMENT_NOT_FOUND", () => client.RecordProgressAsync(neverAsked));
        await Refused.ForAsync("progress_time", () => client.RecordProgressAsync(tomorrow));
        await Refused.ForAsync("score", () => client.RecordProgressAsync(tooGood));
        await Refused.ForAsync("score", () => client.RecordProgressAsync(startedWell));
        await Refused.ForAsync("progress", () => client.RecordProgressAsync(Report(tenant, assignment, default)));
    }

    [Fact]
    public async Task WaiveAssignment_OpenThenAgain_IsWaivedOnceWithTheReason()
    {
        var (tenant, assignment) = await AssignAsync();

        var first = await WaiveAsync(tenant, assignment, "on long leave");
        var second = await WaiveAsync(tenant, assignment, "still on leave");

        Assert.Equal((AssignmentState.Waived, "Waived: on long leave"), (first.State, first.Reason));
        Assert.Equal(first, second);
    }

    [Fact]
    public async Task WaiveAssignment_CompletedOrWithdrawnOrWithoutReason_IsRefused()
    {
        var (tenant, completed) = await AssignAsync();
        await CompleteAsync(tenant, completed);
        var (other, withdrawn) = await AssignAsync();
        await other.ReceiveAsync(Decide(Guid.Parse(withdrawn.UserId), 2, Verdict.Left));

        await Refused.WithAsync("ASSIGNMENT_COMPLETED", () => WaiveAsync(tenant, completed, "late"));
        await Refused.WithAsync("ASSIGNMENT_WITHDRAWN", () => WaiveAsync(other, withdrawn, "late"));
        await Refused.ForAsync("reason", () => WaiveAsync(tenant, completed, " "));
    }

    [Fact]
    public async Task ReopenAssignment_CompletedByMistake_IsOpenWithFullTimeAndItsHistoryKept()
    {
        var (tenant, assignment) = await AssignAsync();
        await CompleteAsync(tenant, assignment, score: 10);

        var reopened = await ReopenAsync(tenant, assignment);

        Assert.Equal((AssignmentState.Open, false, null), (reopened.State, reopened.HasScore, reopened.CompleteTime));
        Assert.Equal((assignment.Id, assignment.DueTime, 3), (reopened.Id, reopened.DueTime, reopened.Revision));
        Assert.Equal(
            [(Data.ActionKind.Completed, 10.0, null), (Data.ActionKind.Reopened, null, "wrong person")],
            await fixture.DbAsync(
                tenant.Tenant,
                async db =>
                    (await db.Actions.OrderBy(a => a.Id).ToListAsync())
                        .Select(a => (a.Kind, a.Score, a.Reason))
                        .ToList()
            )
        );
    }

    [Fact]
    public async Task ReopenAssignment_OfSomebodyWhoLeft_IsRefused()
    {
        var (tenant, assignment) = await AssignAsync();
        await WaiveAsync(tenant, assignment, "on leave");
        await tenant.ReceiveAsync(Decide(Guid.Parse(assignment.UserId), 2, Verdict.Left));

        await Refused.WithAsync("COURSE_NOT_ASKED_FOR", () => ReopenAsync(tenant, assignment));

        Assert.Equal(AssignmentState.Waived, Assert.Single(await tenant.RowsAsync()).State);
    }

    [Fact]
    public async Task ListAssignments_FiltersAndPages_InIdOrder()
    {
        var tenant = await fixture.NewTenantAsync(courses: ["phishing", "fraud"]);
        var users = Enumerable.Range(0, 3).Select(_ => Guid.CreateVersion7()).ToList();
        await tenant.ReceiveAsync(users.Select(u => Decide(u, 1, Verdict.InScope, "baseline")));
        await tenant.ReceiveAsync(Decide(users[2], 2, Verdict.Left));
        var all = await ListAsync(tenant, new());

        Assert.Equal(6, all.Count);
        Assert.Equal(all.OrderBy(a => a.Id, StringComparer.Ordinal), all);
        Assert.Equal(2, (await ListAsync(tenant, new() { UserId = users[0].ToString() })).Count);
        Assert.Equal(3, (await ListAsync(tenant, new() { CourseId = all[0].CourseId })).Count);
        Assert.Equal(4, (await ListAsync(tenant, new() { States = { AssignmentState.Open } })).Count);
        Assert.Equal(all, await ListAsync(tenant, new() { PageSize = 4 }));
    }

    [Fact]
    public async Task AnyCall_FromOutside_FindsNothing()
    {
        var (tenant, assignment) = await AssignAsync();
        var (stranger, _) = await AssignAsync();
        var sibling = fixture.Clients.Add(tenant.MspId).ClientId.ToString();
        var list = new ListAssignmentsRequest { ClientId = tenant.ClientId };
        var get = new GetAssignmentRequest { ClientId = sibling, AssignmentId = assignment.Id };
        var technician = TestTokens.Technician(tenant.MspId, Guid.Parse(sibling));

        await Refused.WithAsync("CLIENT_NOT_FOUND", () => stranger.Assignments.ListAssignmentsAsync(list));
        await Refused.WithAsync("CLIENT_NOT_FOUND", () => As(technician).ListAssignmentsAsync(list));
        await Refused.WithAsync("ASSIGNMENT_NOT_FOUND", () => tenant.Assignments.GetAssignmentAsync(get));
        await Refused.WithAsync("TOKEN_MISSING", () => As(null).ListAssignmentsAsync(list));
    }

    [Fact]
    public async Task AnyCall_WithTheRightsOfThisRole_AndNoMore()
    {
        var (tenant, assignment) = await AssignAsync();
        var list = new ListAssignmentsRequest { ClientId = tenant.ClientId };
        var report = Report(tenant, assignment, Progress.Completed);
        var viewer = As(TestTokens.Viewer(tenant.MspId, Guid.Parse(tenant.ClientId)));
        var reader = As(TestTokens.Partner(tenant.MspId, "assignments.read"));
        var writer = As(TestTokens.Partner(tenant.MspId, "progress.write"));
        var service = fixture.Client<AssignmentService.AssignmentServiceClient>(
            TestTokens.Service("notification"),
            tenant.MspId
        );

        foreach (var allowed in new[] { viewer, reader, service })
        {
            Assert.Single((await allowed.ListAssignmentsAsync(list)).Assignments);
            await Refused.WithAsync("ROLE_NOT_ALLOWED", () => allowed.RecordProgressAsync(report));
        }

        await Refused.WithAsync("ROLE_NOT_ALLOWED", () => writer.ListAssignmentsAsync(list));
        Assert.Equal(AssignmentState.Completed, (await writer.RecordProgressAsync(report)).Assignment.State);
    }

    private AssignmentService.AssignmentServiceClient As(string? token) =>
        fixture.Client<AssignmentService.AssignmentServiceClient>(token);

    private async Task<(TestTenant, Message)> AssignAsync()
    {
        var tenant = await fixture.NewTenantAsync(courses: ["phishing"]);
        await tenant.ReceiveAsync(Decide(Guid.CreateVersion7(), 1, Verdict.InScope, "baseline"));
        return (tenant, Assert.Single(await ListAsync(tenant, new())));
    }

    private static async Task<List<Message>> ListAsync(TestTenant tenant, ListAssignmentsRequest request)
    {
        var all = new List<Message>();
        request.ClientId = tenant.ClientId;
        do
        {
            var page = await tenant.Assignments.ListAssignmentsAsync(request);
            all.AddRange(page.Assignments);
            request.PageToken = page.NextPageToken;
        } while (request.PageToken.Length > 0);

        return all;
    }

    private static RecordProgressRequest Report(
        TestTenant tenant,
        Message assignment,
        Progress progress,
        Timestamp? time = null
    ) =>
        new()
        {
            ClientId = tenant.ClientId,
            AssignmentId = assignment.Id,
            Progress = progress,
            ProgressTime = time,
        };

    private static async Task<Message> CompleteAsync(TestTenant tenant, Message assignment, double? score = null)
    {
        var report = Report(tenant, assignment, Progress.Completed);
        if (score is { } value)
        {
            report.Score = value;
        }

        return (await tenant.Assignments.RecordProgressAsync(report)).Assignment;
    }

    private static async Task<Message> WaiveAsync(TestTenant tenant, Message assignment, string reason) =>
        (
            await tenant.Assignments.WaiveAssignmentAsync(
                new()
                {
                    ClientId = tenant.ClientId,
                    AssignmentId = assignment.Id,
                    Reason = reason,
                }
            )
        ).Assignment;

    private static async Task<Message> ReopenAsync(TestTenant tenant, Message assignment) =>
        (
            await tenant.Assignments.ReopenAssignmentAsync(
                new()
                {
                    ClientId = tenant.ClientId,
                    AssignmentId = assignment.Id,
                    Reason = "wrong person",
                }
            )
        ).Assignment;
}
