using Rollcall.Api.Assignment.V1;
using Rollcall.Assignment.Data;
using Rollcall.Platform;

namespace Rollcall.Assignment.Actions;

/// <summary>A RecordProgress request, read.</summary>
public sealed record ProgressReport(
    Guid ClientId,
    Guid? AssignmentId,
    Guid UserId,
    Guid CourseId,
    ActionKind Kind,
    DateTimeOffset At,
    double? Score,
    Guid? RequestId
)
{
    /// <summary>Learning systems' clocks are not ours.</summary>
    private static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(5);

    public static ProgressReport Parse(RecordProgressRequest request, DateTimeOffset now)
    {
        var assignmentId = Requests.OptionalId(request.AssignmentId, "assignment_id");
        return new(
            Requests.Id(request.ClientId, "client_id"),
            assignmentId,
            assignmentId is null ? Requests.Id(request.UserId, "user_id") : default,
            assignmentId is null ? Requests.Id(request.CourseId, "course_id") : default,
            request.Progress switch
            {
                Progress.Started => ActionKind.Started,
                Progress.Completed => ActionKind.Completed,
                Progress.Unspecified or _ => throw AppException.Invalid(
                    "progress",
                    "must be PROGRESS_STARTED or PROGRESS_COMPLETED"
                ),
            },
            Time(request, now),
            ScoreOf(request),
            Requests.OptionalId(request.RequestId, "request_id")
        );
    }

    public List<CourseAssignment> Apply(CourseAssignment row) =>
        [Kind == ActionKind.Started ? ProgressRules.Start(row, At) : ProgressRules.Complete(row, At, Score)];

    private static DateTimeOffset Time(RecordProgressRequest request, DateTimeOffset now)
    {
        var at = request.ProgressTime is null ? now : Requests.Time(request.ProgressTime, "progress_time");
        if (at > now + Tolerance)
        {
            throw AppException.Invalid("progress_time", "must not be in the future");
        }

        // As exact as the database keeps it: a repeated report is known by its time.
        return at.AddTicks(-(at.Ticks % TimeSpan.TicksPerMicrosecond));
    }

    private static double? ScoreOf(RecordProgressRequest request) =>
        !request.HasScore ? null
        : request.Progress != Progress.Completed
            ? throw AppException.Invalid("score", "is only known of what was completed")
        : request.Score is >= 0 and <= 100 ? request.Score
        : throw AppException.Invalid("score", "must be between 0 and 100");
}
