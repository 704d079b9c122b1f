using Microsoft.EntityFrameworkCore;
using Npgsql;
using Rollcall.Api.Reporting.V1;
using Rollcall.Reporting.Data;

namespace Rollcall.Reporting.Reports;

/// <summary>What became of each person between two moments.</summary>
internal static class ComparisonQuery
{
    private const string Side = $"""
        select p.user_id, p.display_name, p.mail, p.department, p.standing, p.in_scope, p.reason,
          coalesce(p.audiences, array[]::text[]) as audiences,
          coalesce(w.assigned, 0) as assigned, coalesce(w.completed, 0) as completed
        from ({Population.Sql}) p
        left join ({Population.WorkByPerson}) w on w.user_id = p.user_id
        """;

    private static readonly string Changes = $"""
        with before as materialized ({At("_before")}), after as materialized ({At("_after")}), change as (
          select
            coalesce(a.user_id, b.user_id) as user_id,
            coalesce(a.display_name, b.display_name) as display_name,
            coalesce(a.mail, b.mail) as mail,
            coalesce(a.department, b.department) as department,
            coalesce(b.standing, 'Unspecified') as standing_before,
            coalesce(a.standing, 'Unspecified') as standing_after,
            case when b.in_scope then b.audiences else array[]::text[] end as audiences_before,
            case when a.in_scope then a.audiences else array[]::text[] end as audiences_after,
            coalesce(b.assigned, 0) as assigned_before, coalesce(b.completed, 0) as completed_before,
            coalesce(a.assigned, 0) as assigned_after, coalesce(a.completed, 0) as completed_after,
            coalesce(a.reason, '') as reason,
            case
              when a.in_scope and not coalesce(b.in_scope, false) then 'Joiner'
              when b.in_scope and not coalesce(a.in_scope, false) then 'Leaver'
              when a.in_scope and a.audiences <> b.audiences then 'Mover'
              when a.in_scope and a.completed <> b.completed then 'Completion'
              when a.in_scope then 'Unchanged'
            end as kind
          from before b full join after a on a.user_id = b.user_id
        )

        """;

    private static readonly string CountSql =
        Changes
        + """
            select
              count(*) filter (where kind = 'Joiner') as joiners,
              count(*) filter (where kind = 'Mover') as movers,
              count(*) filter (where kind = 'Leaver') as leavers,
              count(*) filter (where kind in ('Mover', 'Completion') and completed_before <> completed_after)
                as completion_changed,
              count(*) filter (where kind = 'Unchanged') as unchanged
            from change
            """;

    private static readonly string PageSql =
        Changes
        + """
            select * from change
            where kind <> 'Unchanged' and user_id > @after and (@kind = '' or kind = @kind)
            order by user_id
            limit @take
            """;

    public static async Task<ChangeCounts> ChangeCountsAsync(
        this ReportingDbContext db,
        Moment before,
        Moment after,
        CancellationToken ct
    )
    {
        var row = await db.Database.SqlQueryRaw<CountRow>(CountSql, [.. Parameters(before, after)]).SingleAsync(ct);
        return new()
        {
            Joiners = row.Joiners,
            Movers = row.Movers,
            Leavers = row.Leavers,
            CompletionChanged = row.CompletionChanged,
            Unchanged = row.Unchanged,
        };
    }

    public static async Task<List<PersonChange>> ChangesAsync(
        this ReportingDbContext db,
        Moment before,
        Moment after,
        ChangeKind kind,
        Guid afterId,
        int take,
        CancellationToken ct
    )
    {
        var rows = await db
            .Database.SqlQueryRaw<ChangeRow>(
                PageSql,
                [
                    .. Parameters(before, after),
                    new NpgsqlParameter("kind", kind == ChangeKind.Unspecified ? "" : kind.ToString()),
                    new NpgsqlParameter("after", afterId),
                    new NpgsqlParameter("take", take),
                ]
            )
            .ToListAsync(ct);
        return [.. rows.Select(ToProto)];
    }

    private static string At(string suffix) =>
        Side.Replace("@client", "@client" + suffix, StringComparison.Ordinal)
            .Replace("@seen", "@seen" + suffix, StringComparison.Ordinal)
            .Replace("@at", "@at" + suffix, StringComparison.Ordinal);

    private static IEnumerable<NpgsqlParameter> Parameters(Moment before, Moment after) =>
        [.. before.Parameters("_before"), .. after.Parameters("_after")];

    private static PersonChange ToProto(ChangeRow row) =>
        new()
        {
            UserId = row.UserId.ToString(),
            DisplayName = row.DisplayName,
            Mail = row.Mail,
            Department = row.Department,
            Kind = Enum.Parse<ChangeKind>(row.Kind),
            StandingBefore = Enum.Parse<Standing>(row.StandingBefore),
            StandingAfter = Enum.Parse<Standing>(row.StandingAfter),
            AudiencesBefore = { row.AudiencesBefore },
            AudiencesAfter = { row.AudiencesAfter },
            CompletedBefore = row.CompletedBefore,
            AssignedBefore = row.AssignedBefore,
            CompletedAfter = row.CompletedAfter,
            AssignedAfter = row.AssignedAfter,
            Reason = row.Reason,
        };

    private sealed record CountRow(long Joiners, long Movers, long Leavers, long CompletionChanged, long Unchanged);

    private sealed record ChangeRow(
        Guid UserId,
        string DisplayName,
        string Mail,
        string Department,
        string StandingBefore,
        string StandingAfter,
        string[] AudiencesBefore,
        string[] AudiencesAfter,
        long AssignedBefore,
        long CompletedBefore,
        long AssignedAfter,
        long CompletedAfter,
        string Reason,
        string Kind
    );
}
