using Microsoft.EntityFrameworkCore;
using Npgsql;
using NpgsqlTypes;
using Rollcall.Api.Reporting.V1;
using Rollcall.Reporting.Data;

namespace Rollcall.Reporting.Reports;

/// <summary>Everybody ever seen in a period, each in one line. The total is counted on its own, not summed.</summary>
internal static class ReconciliationQuery
{
    /// <summary>Seen in the period: in the roster at some time of it, or first heard of in it.</summary>
    private const string Seen = """
        select user_id from person_history
        where client_id = @client and valid_from < @seen
        group by user_id
        having @from is null or min(valid_from) >= @from
          or bool_or(state not in ('Removed', 'Purged') and valid_to > @from and valid_to > valid_from)
        """;

    private const string Lines = $"""
        select p.standing,
          case p.standing
            when 'NotAPerson' then p.kind
            when 'InScope' then ''
            when 'Paused' then ''
            when 'StagedForRemoval' then coalesce(p.verdict, 'NotDecided')
            else p.reason_code
          end as detail,
          count(*) as people,
          count(*) filter (where p.in_scope) as in_scope
        from ({Population.Sql}) p
        where p.user_id in ({Seen})
        group by 1, 2
        """;

    private const string Totals = $"""
        select (select count(*) from ({Seen}) s) as people,
          (
            select outside_import_count from roster_history
            where client_id = @client and valid_from < @seen and outside_import_count is not null
            order by version desc limit 1
          ) as outside
        """;

    public static async Task<GetReconciliationResponse> ReconciliationAsync(
        this ReportingDbContext db,
        Moment moment,
        DateTimeOffset? from,
        CancellationToken ct
    )
    {
        var lines = await db.Database.SqlQueryRaw<LineRow>(Lines, [.. moment.Parameters(), From(from)]).ToListAsync(ct);
        var totals = await db
            .Database.SqlQueryRaw<TotalRow>(Totals, [.. moment.Parameters(), From(from)])
            .SingleAsync(ct);

        var answer = new GetReconciliationResponse
        {
            Total = totals.People + (totals.Outside ?? 0),
            InScope = lines.Sum(l => l.InScope),
            OutsideImportScopeKnown = totals.Outside is not null,
        };
        answer.Lines.AddRange(
            lines.Select(ToProto).OrderBy(l => l.Standing).ThenBy(l => l.Detail, StringComparer.Ordinal)
        );
        if (totals.Outside is { } outside)
        {
            answer.Lines.Add(new ReconciliationLine { Standing = Standing.OutsideImportScope, People = outside });
        }

        return answer;
    }

    private static NpgsqlParameter From(DateTimeOffset? from) =>
        new("from", NpgsqlDbType.TimestampTz) { Value = from is { } time ? time.UtcDateTime : DBNull.Value };

    private static ReconciliationLine ToProto(LineRow row)
    {
        var standing = Enum.Parse<Standing>(row.Standing);
        return new()
        {
            Standing = standing,
            Detail = standing is Standing.NotAPerson or Standing.StagedForRemoval ? UpperSnake(row.Detail) : row.Detail,
            People = row.People,
        };
    }

    /// <summary>SharedMailbox as SHARED_MAILBOX.</summary>
    private static string UpperSnake(string name) =>
        string.Concat(name.Select((c, i) => i > 0 && char.IsUpper(c) ? $"_{c}" : $"{char.ToUpperInvariant(c)}"));

    private sealed record LineRow(string Standing, string Detail, long People, long InScope);

    private sealed record TotalRow(long People, long? Outside);
}
