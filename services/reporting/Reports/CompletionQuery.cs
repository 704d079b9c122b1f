using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Reporting.V1;
using Rollcall.Reporting.Data;

namespace Rollcall.Reporting.Reports;

/// <summary>
/// Every assignment, each in one column of its course and cycle. What leavers completed stays: they were there when
/// they did it.
/// </summary>
internal static class CompletionQuery
{
    private const string Sql = $"""
        with work as (
          select a.course_id, a.cycle, a.course_title, a.due_at, a.valid_from,
            coalesce(p.in_scope, false) as in_scope,
            coalesce(p.standing = 'Left', false) as gone,
            case when a.state = 'Open' and p.paused then 'Paused' else a.state end as state
          from assignment_history a
          left join ({Population.Sql}) p on p.user_id = a.user_id
          where a.client_id = @client and a.valid_from < @seen and a.valid_to >= @seen
        )
        select course_id, cycle,
          (array_agg(course_title order by valid_from desc))[1] as course_title,
          count(*) filter (where in_scope and state = 'Open' and (due_at >= @at or due_at is null)) as open,
          count(*) filter (where in_scope and state = 'Open' and due_at < @at) as overdue,
          count(*) filter (where in_scope and state = 'Paused') as paused,
          count(*) filter (where in_scope and state = 'Completed') as completed,
          count(*) filter (where state = 'Waived') as waived,
          count(*) filter (where state = 'Withdrawn') as withdrawn,
          count(*) filter (where gone and not in_scope and state = 'Completed') as completed_while_employed,
          count(*) filter (where not gone and not in_scope and state = 'Completed') as completed_while_in_scope,
          count(*) filter (where not in_scope and state in ('Open', 'Paused')) as not_withdrawn_yet
        from work
        group by course_id, cycle
        order by 3, course_id, cycle
        """;

    public static async Task<List<CourseCompletion>> CompletionAsync(
        this ReportingDbContext db,
        Moment moment,
        CancellationToken ct
    )
    {
        var rows = await db.Database.SqlQueryRaw<CourseRow>(Sql, [.. moment.Parameters()]).ToListAsync(ct);
        return [.. rows.Select(ToProto)];
    }

    private static CourseCompletion ToProto(CourseRow row)
    {
        var assigned = row.Open + row.Overdue + row.Paused + row.Completed;
        return new()
        {
            CourseId = row.CourseId,
            CourseTitle = row.CourseTitle,
            Cycle = row.Cycle,
            Assigned = assigned,
            Open = row.Open,
            Overdue = row.Overdue,
            Paused = row.Paused,
            Completed = row.Completed,
            Waived = row.Waived,
            Withdrawn = row.Withdrawn,
            CompletedWhileEmployed = row.CompletedWhileEmployed,
            CompletedWhileInScope = row.CompletedWhileInScope,
            NotWithdrawnYet = row.NotWithdrawnYet,
            CompletionPercent = Percent.Of(row.Completed, assigned),
        };
    }

    private sealed record CourseRow(
        string CourseId,
        string Cycle,
        string CourseTitle,
        long Open,
        long Overdue,
        long Paused,
        long Completed,
        long Waived,
        long Withdrawn,
        long CompletedWhileEmployed,
        long CompletedWhileInScope,
        long NotWithdrawnYet
    );
}
