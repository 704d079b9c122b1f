using Google.Protobuf.WellKnownTypes;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Reporting.V1;
using Rollcall.Reporting.Data;

namespace Rollcall.Reporting.Reports;

/// <summary>Everybody who is not in scope, and why.</summary>
internal static class ExclusionQuery
{
    private const string Sql = $"""
        select user_id, display_name, mail, department, kind, standing, reason, reason_code, since
        from ({Population.Sql}) p
        where user_id > @after
          and case when @standing = '' then standing not in ('InScope', 'Paused') else standing = @standing end
        order by user_id
        limit @take
        """;

    public static async Task<List<Exclusion>> ExclusionsAsync(
        this ReportingDbContext db,
        Moment moment,
        Standing standing,
        Guid after,
        int take,
        CancellationToken ct
    )
    {
        var rows = await db
            .Database.SqlQueryRaw<ExclusionRow>(
                Sql,
                [
                    .. moment.Parameters(),
                    new NpgsqlParameter("standing", standing == Standing.Unspecified ? "" : standing.ToString()),
                    new NpgsqlParameter("after", after),
                    new NpgsqlParameter("take", take),
                ]
            )
            .ToListAsync(ct);
        return [.. rows.Select(ToProto)];
    }

    private static Exclusion ToProto(ExclusionRow row) =>
        new()
        {
            UserId = row.UserId.ToString(),
            DisplayName = row.DisplayName,
            Mail = row.Mail,
            Department = row.Department,
            Kind = System.Enum.Parse<AccountKind>(row.Kind),
            Standing = System.Enum.Parse<Standing>(row.Standing),
            Reason = row.Reason,
            ReasonCode = row.ReasonCode,
            SinceTime = row.Since.ToTimestamp(),
        };

    private sealed record ExclusionRow(
        Guid UserId,
        string DisplayName,
        string Mail,
        string Department,
        string Kind,
        string Standing,
        string Reason,
        string ReasonCode,
        DateTimeOffset Since
    );
}
