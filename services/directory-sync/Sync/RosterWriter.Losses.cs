using Rollcall.Api.Directory.V1;

namespace Rollcall.DirectorySync.Sync;

/// <summary>Who is lost: not applied before the brake has looked at all of them.</summary>
public sealed partial class RosterWriter
{
    private async Task<(int Deleted, int Staged)> ApplyLossesAsync(CancellationToken ct)
    {
        if (!lost && !IsScoped && (first || !lease.IsFull))
        {
            return (0, 0);
        }

        await ExecuteAsync(SettledLosses, ct);
        var counts = (int[])(await ScalarAsync(LossCounts, ct, ("people", PeopleKinds)))!;
        var (active, lostNow, lostThisWeek, total) = (counts[0], counts[1], counts[2], counts[3]);
        if (total == 0)
        {
            return (0, 0);
        }

        if (Brake.Reason(active, lostNow, lostThisWeek) is { } reason)
        {
            await ExecuteAsync(StageLosses, ct, ("reason", reason));
            return (0, total);
        }

        await ExecuteAsync(ApplyLosses, ct);
        return (counts[4], 0);
    }

    /// <summary>Removals somebody approved.</summary>
    public Task ApproveAsync(Guid[] users, CancellationToken ct)
    {
        entries += users.Length;
        return ExecuteAsync(
            """
            insert into t_loss select user_id, new_state, outside_import from staged_removal where client_id = @client and user_id = any (@users);
            delete from staged_removal where client_id = @client and user_id = any (@users);
            """ + ApplyLosses,
            ct,
            ("users", users)
        );
    }

    /// <summary>Removals somebody rejected: nobody waits for anything any more.</summary>
    public Task KeepAsync(Guid[] users, CancellationToken ct) =>
        ExecuteAsync(
            """
            update directory_user set staged = false where client_id = @client and user_id = any (@users);
            insert into t_touched select unnest(@users);
            """,
            ct,
            ("users", users)
        );

    internal static readonly int[] PeopleKinds =
    [
        (int)AccountKind.Person,
        (int)AccountKind.Contractor,
        (int)AccountKind.Guest,
        (int)AccountKind.Admin,
    ];

    /// <summary>Whom a full round did not find: the active become losses, the disabled leave at once.</summary>
    private const string MissingUsers = $"""
        insert into t_loss
        select u.user_id, 3 from directory_user u
        where u.client_id = @client and u.authority = @source and u.state = 1
          and not exists (select 1 from t_seen s where s.object_id = u.object_id)
        on conflict do nothing;

        with gone as (
          update directory_user u set state = 3, state_at = @now, revision = @version
          where u.client_id = @client and u.authority = @source and u.state = 2
            and not exists (select 1 from t_seen s where s.object_id = u.object_id)
          returning u.user_id, u.display_name, u.mail),
        told as (
          insert into t_event (subject, id, is_group, action, status, display_name, reason)
          select user_id, {NewId}, false, 3, 1, display_name, 'NOT_FOUND' from gone
          {MergeEvent}),
        mails as (insert into t_mail select mail from gone)
        insert into t_touched select user_id from gone on conflict do nothing;
        """;

    /// <summary>
    /// A full round does not say "no manager" but nothing: whoever is there without one has lost it, unless the old one
    /// is not there either (its return would not be told).
    /// </summary>
    private const string LostManagers = $"""
        with gone as (
          update directory_user u set manager_object_id = null, revision = @version
          from directory_user o join t_seen s on s.object_id = o.object_id and not s.managed
          where o.client_id = @client and o.authority = @source and u.client_id = @client and u.user_id = o.user_id
            and exists (select 1 from t_seen m where m.object_id = o.manager_object_id)
          returning u.user_id, u.display_name, o.manager_object_id),
        told as (
          insert into t_event (subject, id, is_group, action, status, display_name, changes, reason)
          select user_id, {NewId}, false, 2, 1, display_name,
            jsonb_build_array(jsonb_build_object('p', 'manager', 'o', manager_object_id, 'n', null)), ''
          from gone
          {MergeEvent}),
        managers as (insert into t_manager select manager_object_id from gone)
        insert into t_touched select user_id from gone on conflict do nothing;
        """;

    /// <summary>
    /// Losses that are already staged or rejected are not counted again, but may have become worse or better; a
    /// rejection that ran out is counted.
    /// </summary>
    private const string SettledLosses = """
        delete from staged_removal where client_id = @client and keep_until <= @now;
        update staged_removal r set outside_import = false from t_loss l
        where r.client_id = @client and r.user_id = l.user_id and r.outside_import and not l.outside;
        update staged_removal r set new_state = l.state from t_loss l
        where r.client_id = @client and r.user_id = l.user_id and r.new_state <> l.state and r.new_state <> 4;
        delete from t_loss l using staged_removal r where r.client_id = @client and r.user_id = l.user_id;
        """;

    /// <summary>Active people, those lost now, those lost in the last seven days, all lost accounts, and of these the deleted.</summary>
    private const string LossCounts = """
        select array[
          (select count(*) from directory_user where client_id = @client and state = 1 and kind = any (@people)),
          (select count(*) from t_loss l join directory_user u on u.client_id = @client and u.user_id = l.user_id
             where u.kind = any (@people)),
          (select count(distinct user_id) from sync_event
             where client_id = @client and action = 3 and reason_code not in ('NOT_FOUND', 'OUTSIDE_WHILE_DISABLED')
             and occurred_at > @now - interval '7 days'),
          (select count(*) from t_loss),
          (select count(*) from t_loss where state > 2)]::int[]
        """;

    private const string ApplyLosses = $"""
        with gone as (
          update directory_user u set state = l.state, state_at = @now, revision = @version, staged = false,
            outside_import = l.outside
          from t_loss l where u.client_id = @client and u.user_id = l.user_id
          returning u.user_id, u.object_id, u.display_name, u.state, u.manager_object_id, u.mail, l.outside),
        told as (
          insert into t_event (subject, id, is_group, action, status, display_name, reason)
          select user_id, {NewId}, false, 3, 1, display_name,
            case when outside then 'OUTSIDE_IMPORT_SCOPE' when state = 2 then 'DISABLED' when state = 4 then 'PURGED' else 'REMOVED' end
          from gone
          {MergeEvent}),
        outsiders as (
          insert into outside_user (msp_id, client_id, object_id) select @msp, @client, object_id from gone where outside
          on conflict do nothing),
        managers as (insert into t_manager select manager_object_id from gone where manager_object_id is not null),
        mails as (insert into t_mail select mail from gone)
        insert into t_touched select user_id from gone on conflict do nothing;
        """;

    private const string StageLosses = $"""
        insert into staged_removal (msp_id, client_id, user_id, new_state, reason, staged_at, outside_import)
        select @msp, @client, user_id, state, @reason, @now, outside from t_loss
        on conflict do nothing;

        with held as (
          update directory_user u set staged = true, revision = @version
          from t_loss l where u.client_id = @client and u.user_id = l.user_id
          returning u.user_id, u.display_name),
        told as (
          insert into t_event (subject, id, is_group, action, status, display_name, reason)
          select user_id, {NewId}, false, 5, 1, display_name, @reason from held
          {MergeEvent})
        insert into t_touched select user_id from held on conflict do nothing;
        """;
}
