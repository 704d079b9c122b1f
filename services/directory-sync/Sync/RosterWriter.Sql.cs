namespace Rollcall.DirectorySync.Sync;

public sealed partial class RosterWriter
{
    // Numbers in the statements: state 1 active, 2 disabled, 3 removed, 4 purged; action 3 removed, 5 staged;
    // member type 1 user, 2 group (roster.proto, sync_service.proto, MemberType).

    /// <summary>A time-ordered UUID as Guid.CreateVersion7 makes them; Postgres has none of its own before 18.</summary>
    internal const string NewId = """
        encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) placing
          substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6), 52, 1), 53, 1), 'hex')::uuid
        """;

    private const string NothingYet = """
        select not exists (select 1 from directory_user where client_id = @client)
          and not exists (select 1 from directory_group where client_id = @client)
          and not exists (select 1 from membership where client_id = @client)
        """;

    private const string SkippedKinds =
        "(values (4, 'KIND_SHARED_MAILBOX'), (5, 'KIND_RESOURCE'), (6, 'KIND_SERVICE')) k (kind, code)";

    /// <summary>One batch of a client that has nothing yet: nobody to look for, and all of them are told in the end.</summary>
    private const string Newcomers = """
        insert into directory_user (msp_id, client_id, user_id, revision, state, state_at, first_seen_at, suggested_kind,
          kind_evidence, authority, external_id, object_id, manager_object_id, properties, display_name, mail, escrow_reason, staged, outside_import)
        select @msp, @client, user_id, @version, state, state_at, first_seen_at, kind,
          kind_evidence, @source, external_id, object_id, manager, properties, display_name, mail, escrow_reason, false, false
        from t_user
        """;

    private const string FirstMails = """
        insert into t_mail select mail from directory_user where client_id = @client group by mail having count(*) > 1;
        """;

    /// <summary>One batch of changed users from t_user into the roster.</summary>
    private const string Upsert = $"""
        insert into t_event (subject, id, is_group, action, status, display_name, changes, reason)
        select t.user_id, t.event_id, false, t.action, case when k.code is null then 1 else 3 end, t.display_name,
          t.changes::jsonb, coalesce(k.code, '')
        from t_user t
        left join directory_user u on u.client_id = @client and u.user_id = t.user_id
        left join {SkippedKinds}
          on k.kind = t.kind and u.suggested_kind is distinct from t.kind and u.decided_kind is null
        where not (t.loss is not null and t.action = 3)
        {MergeEvent};

        insert into t_mail
        select mail from t_user where is_new
        union all
        select unnest(array[u.mail, t.mail]) from t_user t
        join directory_user u on u.client_id = @client and u.user_id = t.user_id
        where not t.is_new and (u.mail <> t.mail or t.action = 4 or t.state in (3, 4) or u.escrow_reason = 'INVALID_DATA');

        insert into directory_user (msp_id, client_id, user_id, revision, state, state_at, first_seen_at, suggested_kind,
          kind_evidence, authority, external_id, object_id, manager_object_id, properties, display_name, mail, escrow_reason, staged, outside_import)
        select @msp, @client, user_id, @version, state, state_at, first_seen_at, kind,
          kind_evidence, @source, external_id, object_id, manager, properties, display_name, mail, escrow_reason, staged, false
        from t_user
        on conflict (client_id, user_id) do update set revision = excluded.revision, state = excluded.state,
          state_at = excluded.state_at, suggested_kind = excluded.suggested_kind, kind_evidence = excluded.kind_evidence,
          manager_object_id = excluded.manager_object_id, properties = excluded.properties,
          display_name = excluded.display_name, mail = excluded.mail, staged = excluded.staged,
          outside_import = directory_user.outside_import and excluded.state > 2,
          mailbox_due_at = case when excluded.mail = directory_user.mail
            and excluded.properties::json ->> 'accountEnabled' is not distinct from directory_user.properties::json ->> 'accountEnabled'
            and excluded.properties::json ->> 'assignedLicenses' is not distinct from directory_user.properties::json ->> 'assignedLicenses'
            then directory_user.mailbox_due_at end,
          escrow_reason = case when excluded.escrow_reason = '' and directory_user.mail = excluded.mail
              and directory_user.escrow_reason = 'MAIL_DUPLICATE'
            then directory_user.escrow_reason else excluded.escrow_reason end;

        delete from staged_removal r using t_user t
        where r.client_id = @client and r.user_id = t.user_id and t.loss is null;

        insert into t_loss select user_id, loss, outside from t_user where loss is not null
        on conflict (user_id) do update set state = excluded.state, outside = excluded.outside;
        delete from t_loss l using t_user t where l.user_id = t.user_id and t.loss is null;

        insert into t_touched select user_id from t_user on conflict do nothing;
        insert into t_new select object_id from t_user where is_new;
        insert into t_manager select manager from t_user where counts and manager is not null
        union select old_manager from t_user where counts and old_manager is not null;
        """;

    /// <summary>
    /// Folds the slices of each group and each edge, last word wins; a full round also removes what it did not see. It
    /// keeps the edges of members it did not see: a restored one gets them back without a word from the directory.
    /// </summary>
    private const string Groups = """
        insert into t_folded (object_id, group_id, removed, display_name, security_enabled, dynamic, imported, unreadable)
        select object_id, (array_agg(group_id order by seq))[1] as group_id,
          (array_agg(removed order by seq desc))[1] as removed,
          (array_agg(display_name order by seq desc) filter (where display_name is not null))[1] as display_name,
          (array_agg(security_enabled order by seq desc) filter (where security_enabled is not null))[1] as security_enabled,
          (array_agg(dynamic order by seq desc) filter (where dynamic is not null))[1] as dynamic,
          @allgroups or object_id = any (@groups) as imported,
          bool_or(unreadable) as unreadable
        from t_group group by object_id;
        update t_folded set display_name = '' where not imported;

        with changed as (
          update directory_group g set revision = @version, removed = f.removed, imported = f.imported,
            display_name = coalesce(f.display_name, g.display_name),
            security_enabled = coalesce(f.security_enabled, g.security_enabled),
            dynamic = coalesce(f.dynamic, g.dynamic)
          from t_folded f
          join directory_group o on o.client_id = @client and o.object_id = f.object_id
          where g.client_id = @client and g.object_id = f.object_id
            and (f.removed, f.imported, coalesce(f.display_name, g.display_name),
              coalesce(f.security_enabled, g.security_enabled), coalesce(f.dynamic, g.dynamic))
            is distinct from (g.removed, g.imported, g.display_name, g.security_enabled, g.dynamic)
          returning g.group_id, g.object_id, case when g.removed = o.removed then 2 when g.removed then 3 else 4 end,
            o.display_name, o.security_enabled, o.dynamic, g.imported or o.imported,
            (g.removed, g.imported) <> (o.removed, o.imported)),
        added as (
          insert into directory_group (msp_id, client_id, group_id, object_id, revision, display_name, security_enabled, dynamic, removed, imported)
          select @msp, @client, group_id, object_id, @version, coalesce(display_name, ''), coalesce(security_enabled, false),
            coalesce(dynamic, false), false, imported
          from t_folded where not removed
          on conflict (client_id, object_id) do nothing
          returning group_id, object_id, 1, display_name, security_enabled, dynamic, imported, true),
        missing as (
          update directory_group g set revision = @version, removed = true
          where @compare and g.client_id = @client and not g.removed
            and not exists (select 1 from t_folded f where f.object_id = g.object_id)
          returning g.group_id, g.object_id, 3, g.display_name, g.security_enabled, g.dynamic, g.imported, true)
        insert into t_group_changed
        select * from changed union all select * from added union all select * from missing
        on conflict do nothing;
        """;

    /// <summary>Follows "with final as (…)": the last word on each edge.</summary>
    private const string Edges = """
        , gone as (
          delete from membership m using final f
          where m.client_id = @client and f.removed
            and m.group_object_id = f.group_object_id and m.member_object_id = f.member_object_id
          returning m.group_object_id, m.member_object_id, m.member_type, true),
        come as (
          insert into membership (msp_id, client_id, group_object_id, member_object_id, member_type)
          select @msp, @client, group_object_id, member_object_id, member_type from final where not removed
          on conflict do nothing
          returning group_object_id, member_object_id, member_type, false)
        insert into t_edge_changed select * from gone union all select * from come;

        with gone as (
          delete from membership m
          where @compare and m.client_id = @client and not exists (
            select 1 from t_edge e
            where e.group_object_id = m.group_object_id and e.member_object_id = m.member_object_id and not e.removed)
            and (m.member_type not in (1, 2)
              or exists (select 1 from t_seen s where s.object_id = m.member_object_id)
              or exists (select 1 from t_folded f where f.object_id = m.member_object_id and not f.removed))
          returning m.group_object_id, m.member_object_id, m.member_type, true)
        insert into t_edge_changed select * from gone;
        """;

    /// <summary>Each but once, in the order of the key: what is known to be new costs the indexes half.</summary>
    private const string FirstEdges = """
        insert into membership (msp_id, client_id, group_object_id, member_object_id, member_type)
        select distinct on (member_object_id, group_object_id) @msp, @client, group_object_id, member_object_id, member_type
        from t_edge order by member_object_id, group_object_id;
        insert into t_edge_changed select group_object_id, member_object_id, member_type, false from t_edge;

        """;

    private const string LastWords = """
        select distinct on (group_object_id, member_object_id) group_object_id, member_object_id, member_type, removed
        from t_edge order by group_object_id, member_object_id, seq desc
        """;

    private const string AnyRemovedGroup = """
        select exists (select 1 from directory_group where client_id = @client and removed and object_id = any (@ids))
        """;

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

    /// <summary>Users whose own entry did not change, but what others see of them: managers, reports, members of groups that come or go.</summary>
    private const string Touch = """
        insert into t_touched
        select u.user_id from directory_user u
        where u.client_id = @client and u.object_id in (select object_id from t_manager)
        on conflict do nothing;

        insert into t_touched
        select u.user_id from directory_user u
        where u.client_id = @client and u.manager_object_id in (select object_id from t_new)
        on conflict do nothing;

        insert into t_touched
        select u.user_id from t_edge_changed e
        join directory_user u on u.client_id = @client and u.object_id = e.member_object_id
        where e.member_type = 1
        on conflict do nothing;

        with recursive below (object_id) as (
          select member_object_id from t_edge_changed where member_type = 2
          union
          select object_id from t_group_changed where comes_or_goes
          union
          select m.member_object_id from membership m
          join below b on m.client_id = @client and m.group_object_id = b.object_id
          where m.member_type = 2)
        insert into t_touched
        select u.user_id from membership m
        join directory_user u on u.client_id = @client and u.object_id = m.member_object_id
        where m.client_id = @client and m.group_object_id = any (array(select object_id from below)) and m.member_type = 1
        on conflict do nothing;
        """;

    /// <summary>Of several living accounts with one address the first keeps it; the others are escrowed until that changes.</summary>
    private const string DuplicateMails = """
        with ranked as (
          select u.user_id, case when row_number() over (partition by u.mail order by u.first_seen_at, u.user_id) > 1
            then 'MAIL_DUPLICATE' else '' end as reason
          from directory_user u
          where u.client_id = @client and u.state in (1, 2) and u.mail <> '' and u.mail in (select mail from t_mail)),
        fixed as (
          update directory_user u set escrow_reason = r.reason, revision = @version
          from ranked r
          where u.client_id = @client and u.user_id = r.user_id and u.escrow_reason not in (r.reason, 'INVALID_DATA')
          returning u.user_id)
        insert into t_touched select user_id from fixed on conflict do nothing;
        """;
}
