using Rollcall.Api.Directory.V1;

namespace Rollcall.DirectorySync.Sync;

/// <summary>Another suggestion for an account, or the MSP's word on it.</summary>
/// <param name="Changes">[{"p","o","n"}] for the trail.</param>
public sealed record KindChange(Guid UserId, AccountKind Kind, string Evidence, string Changes)
{
    /// <summary>Too many people would stop being people: the old kind stays as decided until somebody says otherwise.</summary>
    public AccountKind? Held { get; init; }
}

/// <summary>Kinds of accounts that change without an entry of the directory.</summary>
public sealed partial class RosterWriter
{
    /// <summary>Decides in nobody's name what the brake holds back.</summary>
    public const string Brakeman = "rollcall";

    public Task SuggestKindsAsync(List<KindChange> changes, CancellationToken ct) =>
        ExecuteAsync(
            $"""
            with done as (
              update directory_user u set suggested_kind = c.kind, kind_evidence = c.evidence, revision = @version,
                decided_kind = coalesce(u.decided_kind, c.held), kind_decided_by = case when c.held is null then u.kind_decided_by else @brake end,
                kind_reason = case when c.held is null then u.kind_reason else 'held until somebody decides' end,
                kind_decided_at = case when c.held is null then u.kind_decided_at else @now end
              from unnest(@users, @kinds, @evidences, @changes, @held) c (user_id, kind, evidence, changes, held)
              where u.client_id = @client and u.user_id = c.user_id
              returning u.user_id, u.display_name, c.changes, c.held),
            told as (
              insert into t_event (subject, id, is_group, action, status, display_name, changes, reason)
              select user_id, {NewId}, false, 2, 1, display_name, changes::jsonb,
                case when held is null then 'MAILBOX_PURPOSE' else 'KIND_HELD' end
              from done
              {MergeEvent})
            insert into t_touched select user_id from done on conflict do nothing
            """,
            ct,
            ("users", changes.Select(c => c.UserId).ToArray()),
            ("kinds", changes.Select(c => (int)c.Kind).ToArray()),
            ("evidences", changes.Select(c => c.Evidence).ToArray()),
            ("changes", changes.Select(c => c.Changes).ToArray()),
            ("held", changes.Select(c => (int?)c.Held).ToArray()),
            ("brake", Brakeman)
        );

    /// <param name="decision">Null takes the decision back.</param>
    public Task DecideKindAsync(
        Guid userId,
        KindDecision? decision,
        string changes,
        string reasonCode,
        CancellationToken ct
    ) =>
        ExecuteAsync(
            $"""
            with done as (
              update directory_user u set revision = @version, decided_kind = @kind::int, kind_decided_by = @by::text,
                kind_reason = @why::text, kind_decided_at = case when @kind::int is null then null else @now end
              where u.client_id = @client and u.user_id = @user
              returning u.user_id, u.display_name),
            told as (
              insert into t_event (subject, id, is_group, action, status, display_name, changes, reason)
              select user_id, {NewId}, false, 2, 1, display_name, @changes::jsonb, @code from done
              {MergeEvent})
            insert into t_touched select user_id from done on conflict do nothing
            """,
            ct,
            ("user", userId),
            ("kind", (object?)(int?)decision?.Kind ?? DBNull.Value),
            ("by", (object?)decision?.DecidedBy ?? DBNull.Value),
            ("why", (object?)decision?.Reason ?? DBNull.Value),
            ("changes", changes),
            ("code", reasonCode)
        );
}
