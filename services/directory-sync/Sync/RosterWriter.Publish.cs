namespace Rollcall.DirectorySync.Sync;

/// <summary>Whom the round concerns besides those it changed: what others see of them is another now.</summary>
public sealed partial class RosterWriter
{
    /// <summary>Publishes what was touched as the next version. 0 if nothing was.</summary>
    public async Task<long> PublishAsync(RosterPublisher publisher, CancellationToken ct)
    {
        if (first)
        {
            await ExecuteAsync("insert into t_mail select unnest(@mails)", ct, ("mails", sharedMails.ToArray()));
        }
        else
        {
            await AnalyzeAsync("t_touched, t_mail, t_manager, t_new, t_edge_changed, t_group_changed", ct);
            await ExecuteAsync(TouchLinked + TouchMembers, ct);
        }

        await ExecuteAsync(DuplicateMails, ct);
        await TellAsync(ct);
        var version = preview
            ? 0
            : await publisher.PublishAsync(connection, lease, rosterVersion, now, everybody: first ? added : null, ct);
        await RoundTables.LeaveAsync(connection, big: entries > BigRound, ct);
        return version;
    }

    /// <summary>Users whose own entry did not change, but what others see of them: their manager, or their reports.</summary>
    private const string TouchLinked = """
        insert into t_touched
        select u.user_id from directory_user u
        where u.client_id = @client and u.object_id in (select object_id from t_manager)
        on conflict do nothing;

        insert into t_touched
        select u.user_id from directory_user u
        where u.client_id = @client and u.manager_object_id in (select object_id from t_new)
        on conflict do nothing;
        """;

    /// <summary>
    /// Users who are in other groups than before, directly or through nested ones. Not all members of what has changed
    /// are: who was in a group already by another way is in none more.
    /// </summary>
    private const string TouchMembers = """
        with recursive lives as materialized (
          select g.object_id, not g.removed as now, g.imported as shown,
            case when c.action in (1, 4) then false when c.action = 3 then true else not g.removed end as before,
            case when c.action = 3 then true when c.action = 2 and c.comes_or_goes then not g.imported else g.imported end
              as shown_before
          from directory_group g left join t_group_changed c on c.group_id = g.group_id
          where g.client_id = @client
            and (exists (select 1 from t_edge_changed) or exists (select 1 from t_group_changed where comes_or_goes))),
        nested as materialized (
          select m.member_object_id as child, m.group_object_id as parent, true as now, e.removed is null as before
          from membership m
          left join t_edge_changed e on e.group_object_id = m.group_object_id and e.member_object_id = m.member_object_id
          where m.client_id = @client and m.member_type = 2 and m.held_at is null
          union all
          select member_object_id, group_object_id, false, true from t_edge_changed where member_type = 2 and removed and not held),
        above_now (object_id, ancestor) as (
          select object_id, object_id from lives where now
          union
          select a.object_id, n.parent from above_now a
          join nested n on n.child = a.ancestor and n.now
          join lives l on l.object_id = n.parent and l.now),
        above_before (object_id, ancestor) as (
          select object_id, object_id from lives where before
          union
          select a.object_id, n.parent from above_before a
          join nested n on n.child = a.ancestor and n.before
          join lives l on l.object_id = n.parent and l.before),
        shown as materialized (
          select object_id, ancestor, bool_or(now) as now, bool_or(before) as before from (
            select a.object_id, a.ancestor, true as now, false as before
            from above_now a join lives l on l.object_id = a.ancestor and l.shown
            union all
            select a.object_id, a.ancestor, false, true
            from above_before a join lives l on l.object_id = a.ancestor and l.shown_before) a
          group by 1, 2),
        people as materialized (
          select member_object_id from t_edge_changed where member_type = 1
          union
          select m.member_object_id from membership m
          where m.client_id = @client and m.member_type = 1
            and m.group_object_id = any (array(select object_id from shown where now <> before))),
        links as materialized (
          select m.member_object_id, m.group_object_id, true as now, e.removed is null as before
          from membership m
          left join t_edge_changed e on e.group_object_id = m.group_object_id and e.member_object_id = m.member_object_id
          where m.client_id = @client and m.member_type = 1
            and m.member_object_id = any (array(select member_object_id from people))
          union all
          select member_object_id, group_object_id, false, true from t_edge_changed where member_type = 1 and removed),
        moved as (
          select l.member_object_id from links l join shown s on s.object_id = l.group_object_id
          group by l.member_object_id, s.ancestor
          having bool_or(l.now and s.now) <> bool_or(l.before and s.before))
        insert into t_touched
        select distinct u.user_id from moved m
        join directory_user u on u.client_id = @client and u.object_id = m.member_object_id
        on conflict do nothing;
        """;

    /// <summary>Of several living accounts with one address the first keeps it; the others are escrowed until that changes.</summary>
    private const string DuplicateMails = """
        with ranked as (
          select u.user_id, case when row_number() over (partition by u.mail order by u.first_seen_at, u.user_id) > 1
            then 'MAIL_DUPLICATE' else '' end as reason
          from directory_user u
          where u.client_id = @client and u.state in (1, 2) and u.mail <> '' and u.mail = any (array(select mail from t_mail))),
        fixed as (
          update directory_user u set escrow_reason = r.reason, revision = @version
          from ranked r
          where u.client_id = @client and u.user_id = r.user_id and u.user_id = any (array(select user_id from ranked))
            and u.escrow_reason not in (r.reason, 'INVALID_DATA')
          returning u.user_id)
        insert into t_touched select user_id from fixed on conflict do nothing;
        """;
}
