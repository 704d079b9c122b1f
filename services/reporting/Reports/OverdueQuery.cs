using Google.Protobuf.WellKnownTypes;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using Rollcall.Api.Reporting.V1;
using Rollcall.Reporting.Data;

namespace Rollcall.Reporting.Reports;

/// <summary>Open assignments past due of people in scope whose clock runs, by due time.</summary>
internal static class OverdueQuery
{
    private const string Sql = $"""
        select a.assignment_id, a.user_id, p.display_name, p.mail, p.department, a.course_id, a.course_title, a.cycle,
          a.due_at, p.manager_id, coalesce(m.display_name, '') as manager_name
        from assignment_history a
        join ({Population.Sql}) p on p.user_id = a.user_id and p.in_scope and not p.paused
        left join person_history m
          on m.client_id = @client and m.user_id = nullif(p.manager_id, '')::uuid
          and m.valid_from < @seen and m.valid_to >= @seen
        where a.client_id = @client and a.valid_from < @seen and a.valid_to >= @seen
          and a.state = 'Open' and a.due_at < @at and (a.due_at, a.assignment_id) > (@after_due, @after_id)
        order by a.due_at, a.assignment_id
        limit @take
        """;

    public static async Task<List<OverdueAssignment>> OverdueAsync(
        this ReportingDbContext db,
        Moment moment,
        OverdueKey after,
        int take,
        CancellationToken ct
    )
    {
        var rows = await db
            .Database.SqlQueryRaw<OverdueRow>(
                Sql,
                [
                    .. moment.Parameters(),
                    new NpgsqlParameter("after_due", after.DueAt),
                    new NpgsqlParameter("after_id", after.AssignmentId),
                    new NpgsqlParameter("take", take),
                ]
            )
            .ToListAsync(ct);
        return [.. rows.Select(r => ToProto(r, moment))];
    }

    private static OverdueAssignment ToProto(OverdueRow row, Moment moment) =>
        new()
        {
            AssignmentId = row.AssignmentId.ToString(),
            UserId = row.UserId.ToString(),
            DisplayName = row.DisplayName,
            Mail = row.Mail,
            Department = row.Department,
            CourseId = row.CourseId,
            CourseTitle = row.CourseTitle,
            Cycle = row.Cycle,
            DueTime = row.DueAt.ToTimestamp(),
            DaysOverdue = moment.Day.DayNumber - Days.Of(row.DueAt, moment.Zone).DayNumber,
            ManagerId = row.ManagerId,
            ManagerDisplayName = row.ManagerName,
        };

    private sealed record OverdueRow(
        Guid AssignmentId,
        Guid UserId,
        string DisplayName,
        string Mail,
        string Department,
        string CourseId,
        string CourseTitle,
        string Cycle,
        DateTimeOffset DueAt,
        string ManagerId,
        string ManagerName
    );
}
