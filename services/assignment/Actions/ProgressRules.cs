using Grpc.Core;
using Rollcall.Api.Assignment.V1;
using Rollcall.Assignment.Data;
using Rollcall.Platform;

namespace Rollcall.Assignment.Actions;

/// <summary>What may happen to an assignment, and what it becomes. Pure; the same row back means nothing changed.</summary>
public static class ProgressRules
{
    public static CourseAssignment Start(CourseAssignment row, DateTimeOffset at) =>
        row.StartedAt is not null || row.IsDone ? row : row with { StartedAt = at, Revision = row.Revision + 1 };

    /// <summary>What was learned was learned: a pause, a waiver or a withdrawal does not make it undone.</summary>
    public static CourseAssignment Complete(CourseAssignment row, DateTimeOffset at, double? score) =>
        row.State == AssignmentState.Completed
            ? row
            : row with
            {
                State = AssignmentState.Completed,
                Reason = "Completed",
                CompletedAt = at,
                Score = score,
                CompletedAfterWithdrawal = row.State == AssignmentState.Withdrawn && at >= row.WithdrawnAt,
                PausedOn = null,
                Revision = row.Revision + 1,
            };

    public static CourseAssignment Waive(CourseAssignment row, string reason) =>
        row.State switch
        {
            AssignmentState.Open or AssignmentState.Paused => row with
            {
                State = AssignmentState.Waived,
                Reason = $"Waived: {reason}",
                PausedOn = null,
                Revision = row.Revision + 1,
            },
            AssignmentState.Waived => row,
            AssignmentState.Completed => throw Refused(row, "ASSIGNMENT_COMPLETED", "has been completed"),
            AssignmentState.Withdrawn => throw Refused(row, "ASSIGNMENT_WITHDRAWN", "has been withdrawn"),
            AssignmentState.Unspecified or _ => throw new InvalidOperationException($"No rule for {row.State}"),
        };

    /// <summary>As if it had been withdrawn: planning opens it again if it is still asked for.</summary>
    public static CourseAssignment Undo(CourseAssignment row, DateTimeOffset now) =>
        row with
        {
            State = AssignmentState.Withdrawn,
            Causes = [],
            StartedAt = null,
            WithdrawnAt = now,
        };

    /// <summary>
    /// The one a completion of the course is about when it names no assignment: the one it was recorded on before, the
    /// open one, or the newest.
    /// </summary>
    public static CourseAssignment? Meant(IReadOnlyCollection<CourseAssignment> rows, DateTimeOffset at) =>
        rows.FirstOrDefault(a => a.CompletedAt == at)
        ?? rows.OrderByDescending(a => a.IsActive).ThenByDescending(a => a.OpenedAt).FirstOrDefault();

    public static AppException Refused(CourseAssignment row, string reason, string problem) =>
        new(StatusCode.FailedPrecondition, reason, $"assignment {row.Id} {problem}")
        {
            Metadata = { ["assignment_id"] = row.Id.ToString() },
        };
}
