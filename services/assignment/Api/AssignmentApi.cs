using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Assignment.V1;
using Rollcall.Assignment.Actions;
using Rollcall.Assignment.Data;
using Rollcall.Platform;

namespace Rollcall.Assignment.Api;

/// <summary>What people have to learn, and how far they are.</summary>
public sealed class AssignmentApi(
    AssignmentDbContext db,
    TenantContext tenant,
    CallerContext caller,
    ActionLog log,
    Reopening reopening,
    TimeProvider clock
) : AssignmentService.AssignmentServiceBase
{
    private const int MaxReason = 500;

    public override async Task<ListAssignmentsResponse> ListAssignments(
        ListAssignmentsRequest request,
        ServerCallContext context
    )
    {
        var size = Requests.PageSize(request.PageSize);
        await using var transaction = await db.BeginAsync(context.CancellationToken);

        var rows = await Query(request).Take(size + 1).ToListAsync(context.CancellationToken);

        var answer = new ListAssignmentsResponse { Assignments = { rows.Take(size).Select(a => a.ToProto()) } };
        if (rows.Count > size)
        {
            answer.NextPageToken = PageToken.Write(answer.Assignments[^1].Id, request);
        }

        return answer;
    }

    public override async Task<GetAssignmentResponse> GetAssignment(
        GetAssignmentRequest request,
        ServerCallContext context
    )
    {
        var clientId = Requests.Id(request.ClientId, "client_id");
        var assignmentId = Requests.Id(request.AssignmentId, "assignment_id");
        await using var transaction = await db.BeginAsync(context.CancellationToken);

        return new()
        {
            Assignment = (await log.FindAsync(clientId, assignmentId, context.CancellationToken)).ToProto(),
        };
    }

    public override async Task<RecordProgressResponse> RecordProgress(
        RecordProgressRequest request,
        ServerCallContext context
    )
    {
        var ct = context.CancellationToken;
        var progress = ProgressReport.Parse(request, clock.GetUtcNow());
        await using var transaction = await db.BeginAsync(ct);

        var row = await LockMeantAsync(progress, ct);
        var action = Action(row, progress.Kind, progress.RequestId, progress.At) with { Score = progress.Score };
        var result = await log.ApplyAsync(action, row, () => Task.FromResult(progress.Apply(row)), ct);
        await transaction.CommitAsync(ct);

        return new() { Assignment = result.ToProto() };
    }

    public override async Task<WaiveAssignmentResponse> WaiveAssignment(
        WaiveAssignmentRequest request,
        ServerCallContext context
    )
    {
        var ct = context.CancellationToken;
        var clientId = Requests.Id(request.ClientId, "client_id");
        var reason = Requests.Text(request.Reason, "reason", MaxReason);
        var requestId = Requests.OptionalId(request.RequestId, "request_id");
        await using var transaction = await db.BeginAsync(ct);

        var row = await log.LockAsync(clientId, Requests.Id(request.AssignmentId, "assignment_id"), ct);
        var action = Action(row, ActionKind.Waived, requestId, clock.GetUtcNow()) with { Reason = reason };
        var result = await log.ApplyAsync(
            action,
            row,
            () => Task.FromResult<List<CourseAssignment>>([ProgressRules.Waive(row, reason)]),
            ct
        );
        await transaction.CommitAsync(ct);

        return new() { Assignment = result.ToProto() };
    }

    public override async Task<ReopenAssignmentResponse> ReopenAssignment(
        ReopenAssignmentRequest request,
        ServerCallContext context
    )
    {
        var ct = context.CancellationToken;
        var clientId = Requests.Id(request.ClientId, "client_id");
        var reason = Requests.Text(request.Reason, "reason", MaxReason);
        var requestId = Requests.OptionalId(request.RequestId, "request_id");
        await using var transaction = await db.BeginAsync(ct);

        var person = await reopening.LockAsync(clientId, Requests.Id(request.AssignmentId, "assignment_id"), ct);
        var action = Action(person.Row, ActionKind.Reopened, requestId, clock.GetUtcNow()) with { Reason = reason };
        var result = await log.ApplyAsync(action, person.Row, () => reopening.PlanAsync(person, ct), ct);
        await transaction.CommitAsync(ct);

        return new() { Assignment = result.ToProto() };
    }

    private IQueryable<CourseAssignment> Query(ListAssignmentsRequest request)
    {
        var clientId = Requests.Id(request.ClientId, "client_id");
        var after = PageToken.ReadId(request.PageToken, request) ?? Guid.Empty;
        var rows = db
            .Assignments.AsNoTracking()
            .Where(a => a.MspId == tenant.MspId && a.ClientId == clientId && a.Id > after);
        if (Requests.OptionalId(request.UserId, "user_id") is { } userId)
        {
            rows = rows.Where(a => a.UserId == userId);
        }

        if (Requests.OptionalId(request.CourseId, "course_id") is { } courseId)
        {
            rows = rows.Where(a => a.CourseId == courseId);
        }

        if (request.States.Count > 0)
        {
            rows = rows.Where(a => request.States.Contains(a.State));
        }

        return rows.OrderBy(a => a.Id);
    }

    private async Task<CourseAssignment> LockMeantAsync(ProgressReport report, CancellationToken ct)
    {
        if (report.AssignmentId is { } assignmentId)
        {
            return await log.LockAsync(report.ClientId, assignmentId, ct);
        }

        var rows = await log.LockCourseAsync(report.ClientId, report.UserId, report.CourseId, ct);
        return ProgressRules.Meant(rows, report.At)
            ?? throw new AppException(
                StatusCode.NotFound,
                "ASSIGNMENT_NOT_FOUND",
                $"user {report.UserId} was never asked for course {report.CourseId}"
            );
    }

    private AssignmentAction Action(CourseAssignment row, ActionKind kind, Guid? requestId, DateTimeOffset at) =>
        new()
        {
            Id = Guid.CreateVersion7(),
            MspId = row.MspId,
            ClientId = row.ClientId,
            AssignmentId = row.Id,
            Kind = kind,
            At = at,
            RecordedAt = clock.GetUtcNow(),
            Actor = caller.Caller.Subject,
            RequestId = requestId,
        };
}
