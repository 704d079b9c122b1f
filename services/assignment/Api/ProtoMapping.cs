using Google.Protobuf.WellKnownTypes;
using Rollcall.Assignment.Data;
using AssignmentMessage = Rollcall.Api.Assignment.V1.Assignment;
using Course = Rollcall.Assignment.Data.Course;
using CourseMessage = Rollcall.Api.Assignment.V1.Course;
using PathMessage = Rollcall.Api.Assignment.V1.Path;

namespace Rollcall.Assignment.Api;

internal static class ProtoMapping
{
    public static CourseMessage ToProto(this Course course) =>
        new()
        {
            Id = course.Id.ToString(),
            Title = course.Title,
            LaunchUrl = course.LaunchUrl,
            DurationMinutes = course.DurationMinutes,
            Archived = course.Archived,
            Etag = course.Etag,
            CreateTime = course.CreatedAt.ToTimestamp(),
            TemplateKey = course.TemplateKey ?? "",
        };

    public static PathMessage ToProto(this AudiencePath path) =>
        new()
        {
            Audience = path.Audience,
            CourseIds = { path.CourseIds.Select(id => id.ToString()) },
            DueDays = path.DueDays,
            Recurrence = path.Recurrence,
            Etag = path.Etag,
            UpdateTime = path.UpdatedAt.ToTimestamp(),
        };

    public static AssignmentMessage ToProto(this CourseAssignment row)
    {
        var message = new AssignmentMessage
        {
            Id = row.Id.ToString(),
            UserId = row.UserId.ToString(),
            CourseId = row.CourseId.ToString(),
            CourseTitle = row.CourseTitle,
            Cycle = row.Cycle,
            State = row.State,
            Causes = { row.Causes.Select(c => c.Audience) },
            Reason = row.Reason,
            OpenTime = row.OpenedAt.ToTimestamp(),
            DueTime = row.DueAt.ToTimestamp(),
            CompleteTime = row.CompletedAt?.ToTimestamp(),
            WithdrawTime = row.WithdrawnAt?.ToTimestamp(),
            Revision = row.Revision,
            RosterVersion = row.RosterVersion,
            StartTime = row.StartedAt?.ToTimestamp(),
            CompletedAfterWithdrawal = row.CompletedAfterWithdrawal,
        };
        if (row.Score is { } score)
        {
            message.Score = score;
        }

        return message;
    }
}
