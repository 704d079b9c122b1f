using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Reporting.V1;
using Rollcall.Reporting.Data;

namespace Rollcall.Reporting.Reports;

/// <summary>People in scope and their training: in total, by audience, by department.</summary>
internal static class CoverageQuery
{
    private const string Counts = """
        count(*) as people,
        count(*) filter (where paused) as paused,
        count(assigned) as with_path,
        coalesce(sum(assigned), 0)::bigint as assigned,
        coalesce(sum(completed), 0)::bigint as completed,
        count(*) filter (where assigned > 0 and assigned = completed) as people_completed,
        coalesce(sum(overdue) filter (where not paused), 0)::bigint as overdue,
        count(*) filter (where overdue > 0 and not paused) as people_overdue
        """;

    private const string Sql = $"""
        with person as materialized (
          select p.department, p.audiences, p.paused, w.assigned, w.completed, w.overdue
          from ({Population.Sql}) p
          left join ({Population.WorkByPerson}) w on w.user_id = p.user_id
          where p.in_scope
        )
        select 'Total' as dimension, '' as name, {Counts} from person
        union all
        select 'Audience', a, {Counts} from person, unnest(audiences) a group by a
        union all
        select 'Department', department, {Counts} from person group by department
        order by 1, 2
        """;

    public static async Task<CoverageTable> CoverageAsync(
        this ReportingDbContext db,
        Moment moment,
        CancellationToken ct
    )
    {
        var rows = await db.Database.SqlQueryRaw<CoverageRow>(Sql, [.. moment.Parameters()]).ToListAsync(ct);
        return new(
            rows.Single(r => r.Dimension == "Total").ToProto(),
            [.. rows.Where(r => r.Dimension == "Audience").Select(r => r.ToProto())],
            [.. rows.Where(r => r.Dimension == "Department").Select(r => r.ToProto())]
        );
    }

    private static Coverage ToProto(this CoverageRow row) =>
        new()
        {
            Name = row.Name,
            People = row.People,
            Paused = row.Paused,
            WithPath = row.WithPath,
            WithoutPath = row.People - row.WithPath,
            Assigned = row.Assigned,
            Completed = row.Completed,
            CompletionPercent = Percent.Of(row.Completed, row.Assigned),
            PeopleCompleted = row.PeopleCompleted,
            Overdue = row.Overdue,
            PeopleOverdue = row.PeopleOverdue,
        };

    private sealed record CoverageRow(
        string Dimension,
        string Name,
        long People,
        long Paused,
        long WithPath,
        long Assigned,
        long Completed,
        long PeopleCompleted,
        long Overdue,
        long PeopleOverdue
    );
}

internal sealed record CoverageTable(Coverage Total, List<Coverage> Audiences, List<Coverage> Departments);

internal static class Percent
{
    /// <summary>One decimal; never 100 while something is missing.</summary>
    public static double Of(long part, long whole) => whole == 0 ? 0 : Math.Floor(part * 1000.0 / whole) / 10;
}
