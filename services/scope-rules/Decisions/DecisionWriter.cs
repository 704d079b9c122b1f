using Google.Protobuf.WellKnownTypes;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using NpgsqlTypes;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Scope.V1;
using Rollcall.Platform;
using Rollcall.ScopeRules.Api;
using Rollcall.ScopeRules.Data;

namespace Rollcall.ScopeRules.Decisions;

/// <summary>
/// Evaluates a page of people and writes what became different: old rows are closed, new ones added, one ScopeChanged
/// tells. The client's row must be locked.
/// </summary>
public sealed partial class DecisionWriter(ScopeDbContext db, ILogger<DecisionWriter> logger)
{
    public const int PageSize = 500;

    /// <param name="rosterChange">The roster changed these people: those staged for removal keep their decision.</param>
    /// <returns>Whether any decision changed.</returns>
    public async Task<bool> EvaluateAsync(
        Evaluation evaluation,
        IReadOnlyList<User> users,
        long rosterVersion,
        bool rosterChange,
        CancellationToken ct
    )
    {
        var client = evaluation.Client;
        var ids = users.Select(u => Guid.Parse(u.Id)).ToArray();
        var current = await CurrentAsync(client.ClientId, ids, ct);
        var due = rosterChange ? [] : await DueAsync(client.ClientId, ids, evaluation.Now, ct);
        var people = users.Where(u => !rosterChange || !u.StagedForRemoval || !current.ContainsKey(Guid.Parse(u.Id)));
        var outcomes = await evaluation.DecideAsync([.. people], ct);
        if (outcomes.Count(o => o.Outcome.ReasonCode == Decider.RuleTimeout) is var slow and > 0)
        {
            LogRuleTimeout(slow, client.ClientId);
        }

        var changed = outcomes
            .Select(o => (Id: Guid.Parse(o.User.Id), o.Outcome))
            .Where(o => !Same(current.GetValueOrDefault(o.Id), o.Outcome))
            .Select(o =>
                Next(
                    current.GetValueOrDefault(o.Id),
                    o.Id,
                    o.Outcome,
                    evaluation,
                    rosterVersion,
                    due.GetValueOrDefault(o.Id)
                )
            )
            .ToList();
        if (changed.Count > 0)
        {
            await WriteAsync(client, changed, ct);
            await LapseExceptionsAsync(client.ClientId, changed, evaluation.Now, ct);
            await PublishAsync(client, evaluation, rosterVersion, changed, ct);
        }

        await ScheduleAsync(client, outcomes, ct);
        return changed.Count > 0;
    }

    /// <summary>A rule that was too slow this time leaves what it decided before.</summary>
    private static bool Same(DecisionRow? current, Outcome outcome) =>
        current is not null
        && (
            outcome.ReasonCode == Decider.RuleTimeout
            || (
                current.Verdict == outcome.Verdict
                && current.ReasonCode == outcome.ReasonCode
                && current.Audiences.SequenceEqual(outcome.Audiences, StringComparer.Ordinal)
            )
        );

    private static DecisionRow Next(
        DecisionRow? current,
        Guid userId,
        Outcome outcome,
        Evaluation evaluation,
        long rosterVersion,
        DateTimeOffset dueAt
    )
    {
        // What time alone brings holds from its own date, not from when the worker got to it.
        var validFrom = dueAt == default ? evaluation.Now : dueAt;
        return new()
        {
            MspId = evaluation.Client.MspId,
            ClientId = evaluation.Client.ClientId,
            UserId = userId,
            Revision = (current?.Revision ?? 0) + 1,
            Verdict = outcome.Verdict,
            Audiences = [.. outcome.Audiences],
            Reason = outcome.Reason,
            ReasonCode = outcome.ReasonCode,
            RosterVersion = rosterVersion,
            PolicyVersion = evaluation.Policy.Version,
            ValidFrom = current is not null && validFrom < current.ValidFrom ? current.ValidFrom : validFrom,
            RecordedAt = evaluation.Now,
        };
    }

    private async Task<Dictionary<Guid, DecisionRow>> CurrentAsync(Guid clientId, Guid[] ids, CancellationToken ct) =>
        await db
            .Decisions.AsNoTracking()
            .Where(d => d.ClientId == clientId && ids.Contains(d.UserId) && d.ValidTo == null)
            .ToDictionaryAsync(d => d.UserId, ct);

    private async Task<Dictionary<Guid, DateTimeOffset>> DueAsync(
        Guid clientId,
        Guid[] ids,
        DateTimeOffset now,
        CancellationToken ct
    ) =>
        await db
            .DueEvaluations.AsNoTracking()
            .Where(d => d.ClientId == clientId && ids.Contains(d.UserId) && d.DueAt <= now)
            .ToDictionaryAsync(d => d.UserId, d => d.DueAt, ct);

    private async Task WriteAsync(ClientScope client, List<DecisionRow> rows, CancellationToken ct) =>
        await db.Database.ExecuteSqlRawAsync(
            """
            update decision d set valid_to = n.valid_from, superseded_at = @now
            from unnest(@users, @valid_from) as n (user_id, valid_from)
            where d.client_id = @client and d.user_id = n.user_id and d.valid_to is null;

            insert into decision (msp_id, client_id, user_id, revision, verdict, audiences, reason, reason_code,
              roster_version, policy_version, valid_from, recorded_at)
            select @msp, @client, n.user_id, n.revision, n.verdict, string_to_array(n.audiences, ','), n.reason,
              n.reason_code, @roster, @policy, n.valid_from, @now
            from unnest(@users, @revisions, @verdicts, @audiences, @reasons, @codes, @valid_from)
              as n (user_id, revision, verdict, audiences, reason, reason_code, valid_from)
            """,
            [
                new NpgsqlParameter("msp", client.MspId),
                new NpgsqlParameter("client", client.ClientId),
                new NpgsqlParameter("now", rows[0].RecordedAt),
                new NpgsqlParameter("roster", rows[0].RosterVersion),
                new NpgsqlParameter("policy", rows[0].PolicyVersion),
                new NpgsqlParameter("users", rows.Select(r => r.UserId).ToArray()),
                new NpgsqlParameter("revisions", rows.Select(r => r.Revision).ToArray()),
                new NpgsqlParameter("verdicts", rows.Select(r => r.Verdict.ToString()).ToArray()),
                // Audience keys hold no comma.
                new NpgsqlParameter("audiences", rows.Select(r => string.Join(',', r.Audiences)).ToArray()),
                new NpgsqlParameter("reasons", rows.Select(r => r.Reason).ToArray()),
                new NpgsqlParameter("codes", rows.Select(r => r.ReasonCode).ToArray()),
                new NpgsqlParameter("valid_from", NpgsqlDbType.Array | NpgsqlDbType.TimestampTz)
                {
                    Value = rows.Select(r => r.ValidFrom).ToArray(),
                },
            ],
            ct
        );

    /// <summary>An exception does not speak for people who come back after they left: somebody decides again.</summary>
    private async Task LapseExceptionsAsync(
        Guid clientId,
        List<DecisionRow> rows,
        DateTimeOffset now,
        CancellationToken ct
    )
    {
        var left = rows.Where(r => r.Verdict == Verdict.Left).Select(r => r.UserId).ToArray();
        if (left.Length > 0)
        {
            await db
                .ExceptionPeople.Where(p => p.ClientId == clientId && left.Contains(p.UserId) && p.LapsedAt == null)
                .ExecuteUpdateAsync(set => set.SetProperty(p => p.LapsedAt, now), ct);
        }
    }

    /// <summary>Saved and forgotten at once, so that memory stays flat over many pages.</summary>
    public async Task PublishAsync(
        ClientScope client,
        Evaluation evaluation,
        long rosterVersion,
        List<DecisionRow> rows,
        CancellationToken ct
    )
    {
        db.Publish(
            new ScopeChanged
            {
                MspId = client.MspId.ToString(),
                ClientId = client.ClientId.ToString(),
                OccurTime = evaluation.Now.ToTimestamp(),
                RosterVersion = rosterVersion,
                PolicyVersion = evaluation.Policy.Version,
                Decisions = { rows.Select(r => r.ToProto()) },
            }
        );
        await db.SaveChangesAsync(ct);
        foreach (var sent in db.ChangeTracker.Entries<OutboxMessage>().ToList())
        {
            sent.State = EntityState.Detached;
        }
    }

    private async Task ScheduleAsync(
        ClientScope client,
        List<(User User, Outcome Outcome)> outcomes,
        CancellationToken ct
    )
    {
        var later = outcomes.Where(o => o.Outcome.NextEvaluationAt is not null).ToList();
        await db.Database.ExecuteSqlRawAsync(
            """
            delete from due_evaluation where client_id = @client and user_id = any (@users);
            insert into due_evaluation (msp_id, client_id, user_id, due_at)
            select @msp, @client, n.* from unnest(@later, @due) as n
            """,
            [
                new NpgsqlParameter("msp", client.MspId),
                new NpgsqlParameter("client", client.ClientId),
                new NpgsqlParameter("users", outcomes.Select(o => Guid.Parse(o.User.Id)).ToArray()),
                new NpgsqlParameter("later", later.Select(o => Guid.Parse(o.User.Id)).ToArray()),
                new NpgsqlParameter("due", NpgsqlDbType.Array | NpgsqlDbType.TimestampTz)
                {
                    Value = later.Select(o => o.Outcome.NextEvaluationAt!.Value).ToArray(),
                },
            ],
            ct
        );
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "A rule was too slow for {People} people of {ClientId}")]
    private partial void LogRuleTimeout(int people, Guid clientId);
}
