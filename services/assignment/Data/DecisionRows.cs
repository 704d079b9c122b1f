using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Scope.V1;
using Rollcall.Platform;

namespace Rollcall.Assignment.Data;

/// <summary>Decisions as they arrive: in any order, any number of times.</summary>
public static class DecisionRows
{
    /// <summary>Keeps those that are newer than what is known and returns them, locked until the commit.</summary>
    public static Task<List<UserDecision>> ReceiveAsync(
        this AssignmentDbContext db,
        ScopeChanged message,
        CancellationToken ct
    )
    {
        // One statement cannot update a row twice: of two decisions about one person the newer counts.
        var newest = message
            .Decisions.GroupBy(d => d.UserId, StringComparer.Ordinal)
            .Select(g => ToRow(g.MaxBy(d => d.Revision)!, message));
        return db
            .Decisions.FromSql(
                $"""
                insert into decision as d
                select r.* from jsonb_populate_recordset(null::decision, {RowJson.Write(newest)}::jsonb) r
                order by r.user_id
                on conflict (msp_id, client_id, user_id) do update set
                  revision = excluded.revision, verdict = excluded.verdict, audiences = excluded.audiences,
                  reason = excluded.reason, roster_version = excluded.roster_version, valid_from = excluded.valid_from
                where excluded.revision > d.revision
                returning d.*
                """
            )
            .AsNoTracking()
            .ToListAsync(ct);
    }

    private static UserDecision ToRow(Decision decision, ScopeChanged message) =>
        new()
        {
            MspId = Guid.Parse(message.MspId),
            ClientId = Guid.Parse(message.ClientId),
            UserId = Guid.Parse(decision.UserId),
            Revision = decision.Revision,
            Verdict =
                Enum.IsDefined(decision.Verdict) && decision.Verdict != Verdict.Unspecified
                    ? decision.Verdict
                    : throw AppException.Invalid("verdict", "is none this version knows"),
            Audiences = [.. decision.Audiences],
            Reason = decision.Reason,
            RosterVersion = decision.RosterVersion,
            ValidFrom = decision.ValidFromTime?.ToDateTimeOffset() ?? message.OccurTime.ToDateTimeOffset(),
        };
}
