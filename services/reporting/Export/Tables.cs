using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Rollcall.Api.Reporting.V1;
using Rollcall.Reporting.Reports;

namespace Rollcall.Reporting.Export;

/// <summary>A report as rows of text.</summary>
internal sealed record Table(string[] Header, IEnumerable<string[]> Rows);

/// <summary>The columns of each report.</summary>
internal static class Tables
{
    public static Table Of(CoverageTable coverage) =>
        new(
            [
                "dimension",
                "name",
                "people",
                "paused",
                "with_path",
                "without_path",
                "assigned",
                "completed",
                "completion_percent",
                "people_completed",
                "overdue",
                "people_overdue",
            ],
            [
                Row("total", coverage.Total),
                .. coverage.Audiences.Select(c => Row("audience", c)),
                .. coverage.Departments.Select(c => Row("department", c)),
            ]
        );

    public static Table Of(IEnumerable<CourseCompletion> courses) =>
        new(
            [
                "course_id",
                "course",
                "cycle",
                "assigned",
                "open",
                "overdue",
                "paused",
                "completed",
                "waived",
                "withdrawn",
                "completed_while_employed",
                "completed_while_in_scope",
                "not_withdrawn_yet",
                "completion_percent",
            ],
            courses.Select(c =>
                new[]
                {
                    c.CourseId,
                    c.CourseTitle,
                    c.Cycle,
                    Text(c.Assigned),
                    Text(c.Open),
                    Text(c.Overdue),
                    Text(c.Paused),
                    Text(c.Completed),
                    Text(c.Waived),
                    Text(c.Withdrawn),
                    Text(c.CompletedWhileEmployed),
                    Text(c.CompletedWhileInScope),
                    Text(c.NotWithdrawnYet),
                    Text(c.CompletionPercent),
                }
            )
        );

    public static Table Of(IEnumerable<OverdueAssignment> assignments) =>
        new(
            ["user_id", "name", "mail", "department", "course", "cycle", "due", "days_overdue", "manager"],
            assignments.Select(a =>
                new[]
                {
                    a.UserId,
                    a.DisplayName,
                    a.Mail,
                    a.Department,
                    a.CourseTitle,
                    a.Cycle,
                    Text(a.DueTime),
                    Text(a.DaysOverdue),
                    a.ManagerDisplayName,
                }
            )
        );

    public static Table Of(IEnumerable<Exclusion> exclusions) =>
        new(
            ["user_id", "name", "mail", "department", "kind", "standing", "reason", "reason_code", "since"],
            exclusions.Select(e =>
                new[]
                {
                    e.UserId,
                    e.DisplayName,
                    e.Mail,
                    e.Department,
                    $"{e.Kind}",
                    $"{e.Standing}",
                    e.Reason,
                    e.ReasonCode,
                    Text(e.SinceTime),
                }
            )
        );

    public static Table Of(GetReconciliationResponse report) =>
        new(
            ["standing", "detail", "people"],
            [
                .. report.Lines.Select(l => new[] { $"{l.Standing}", l.Detail, Text(l.People) }),
                ["Total", "", Text(report.Total)],
            ]
        );

    public static Table Of(IEnumerable<PersonChange> changes) =>
        new(
            [
                "user_id",
                "name",
                "mail",
                "department",
                "change",
                "standing_before",
                "standing_after",
                "audiences_before",
                "audiences_after",
                "completed_before",
                "assigned_before",
                "completed_after",
                "assigned_after",
                "reason",
            ],
            changes.Select(c =>
                new[]
                {
                    c.UserId,
                    c.DisplayName,
                    c.Mail,
                    c.Department,
                    $"{c.Kind}",
                    $"{c.StandingBefore}",
                    $"{c.StandingAfter}",
                    string.Join(' ', c.AudiencesBefore),
                    string.Join(' ', c.AudiencesAfter),
                    Text(c.CompletedBefore),
                    Text(c.AssignedBefore),
                    Text(c.CompletedAfter),
                    Text(c.AssignedAfter),
                    c.Reason,
                }
            )
        );

    private static string[] Row(string dimension, Coverage c) =>
        [
            dimension,
            c.Name,
            Text(c.People),
            Text(c.Paused),
            Text(c.WithPath),
            Text(c.WithoutPath),
            Text(c.Assigned),
            Text(c.Completed),
            Text(c.CompletionPercent),
            Text(c.PeopleCompleted),
            Text(c.Overdue),
            Text(c.PeopleOverdue),
        ];

    private static string Text(IFormattable number) => number.ToString(null, CultureInfo.InvariantCulture);

    private static string Text(Timestamp? time) =>
        time?.ToDateTime().ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture) ?? "";
}
