using Rollcall.DirectorySync.Trail;

namespace Rollcall.DirectorySync.Sync;

public sealed partial class RosterWriter
{
    // Numbers in the statements: action 2 changed, 8 escrowed, 9 released; status 1 done, 2 failed, 3 skipped;
    // kind 1 person, 3 contractor (sync_service.proto, roster.proto).

    /// <summary>
    /// One event for each object and run, whatever happens to it in how many steps: the weightiest action, the oldest
    /// of the old values and the newest of the new ones.
    /// </summary>
    private const string MergeEvent = """
        on conflict (subject) do update set display_name = excluded.display_name,
          action = case when excluded.action in (2, 8, 9) then t_event.action else excluded.action end,
          status = case when excluded.action in (2, 9) then t_event.status else excluded.status end,
          reason = case when excluded.reason = '' or excluded.action = 9 and t_event.reason <> ''
            then t_event.reason else excluded.reason end,
          changes = case when excluded.changes is null or t_event.action = 1 then t_event.changes else (
            select jsonb_agg(jsonb_build_object('p', p, 'o', o, 'n', n)) from (
              select c ->> 'p' as p, (array_agg(c -> 'o' order by i))[1] as o, (array_agg(c -> 'n' order by i desc))[1] as n
              from jsonb_array_elements(coalesce(t_event.changes, '[]') || excluded.changes) with ordinality e (c, i)
              group by 1) m
            where o is distinct from n) end
        """;

    /// <summary>A group's event: its own properties, and how many members came and went.</summary>
    /// <param name="edges">The table that has them.</param>
    private static string GroupEvents(string edges) =>
        $"""
            insert into t_event (subject, id, is_group, action, status, display_name, changes, reason)
            select g.group_id, {NewId}, true, coalesce(c.action, 2), 1, g.display_name, p.changes, ''
            from t_group_changed c
            full join (
              select group_object_id as object_id, count(*) filter (where not removed) as come,
                count(*) filter (where removed) as gone
              from {edges} group by 1) e on e.object_id = c.object_id
            join directory_group g on g.client_id = @client and g.object_id = coalesce(c.object_id, e.object_id) and g.imported
            cross join lateral (
              select jsonb_agg(jsonb_build_object('p', p, 'o', o, 'n', n)) as changes
              from (values
                ('displayName', c.old_name, g.display_name),
                ('securityEnabled', c.old_security::text, g.security_enabled::text),
                ('dynamic', c.old_dynamic::text, g.dynamic::text),
                ('membersAdded', null, nullif(e.come, 0)::text),
                ('membersRemoved', null, nullif(e.gone, 0)::text)) v (p, o, n)
              where n is distinct from o and (o is not null or p like 'members%')) p
            {MergeEvent};
            """;

    /// <summary>
    /// Groups with an entry not as documented. Only a full read of a group shows that all of it is well again, so a
    /// retry is a full round.
    /// </summary>
    private const string GroupEscrow = $"""
        with bad as (
          select g.group_id from t_folded f
          join directory_group g on g.client_id = @client and g.object_id = f.object_id and not g.removed
          where f.unreadable and g.imported),
        held as (
          insert into escrow (msp_id, client_id, subject_id, is_group, object_id, source, reason, first_seen_at, attempts, next_retry_at)
          select @msp, @client, g.group_id, true, g.object_id, 1, 'INVALID_DATA', @now, 0, @now + @first_retry
          from bad b join directory_group g on g.client_id = @client and g.group_id = b.group_id
          on conflict do nothing
          returning subject_id),
        freed as (
          delete from escrow e using directory_group g
          where e.client_id = @client and e.is_group and g.client_id = @client and g.group_id = e.subject_id
            and (@full or g.removed or not g.imported) and not exists (select 1 from bad b where b.group_id = e.subject_id)
          returning e.subject_id)
        insert into t_event (subject, id, is_group, action, status, display_name, reason)
        select g.group_id, {NewId}, true, s.action, s.status, g.display_name, s.reason
        from (
          select subject_id, 8 as action, 2 as status, 'INVALID_DATA' as reason from held
          union all select subject_id, 9, 1, 'RELEASED' from freed) s
        join directory_group g on g.client_id = @client and g.group_id = s.subject_id and not g.removed
        {MergeEvent};
        """;

    private Guid[] retried = [];

    private const string Retried = """
        update escrow set attempts = attempts + 1,
          next_retry_at = @now + case when attempts = 0 then @second_retry else @daily_retry end
        where client_id = @client and subject_id = any (@retried)
        """;

    /// <summary>
    /// Who cannot be used is put into escrow, who can be (or has left) comes out of it. Addresses matter for people
    /// only; data that is none matters for everybody.
    /// </summary>
    private const string Escrow = $"""
        with bad as (
          select u.user_id, coalesce(u.object_id, u.user_id) as object_id, u.authority, u.display_name, u.escrow_reason as reason
          from {Touched.Some}
          where u.escrow_reason <> ''
            and (u.escrow_reason = 'INVALID_DATA' and u.state in (1, 2) or u.state = 1 and u.kind in (1, 3))),
        held as (
          insert into escrow (msp_id, client_id, subject_id, is_group, object_id, source, reason, first_seen_at, attempts, next_retry_at)
          select @msp, @client, user_id, false, object_id, authority, reason, @now, 0, @now + @first_retry from bad
          on conflict (client_id, subject_id) do update set reason = excluded.reason, attempts = 0, next_retry_at = excluded.next_retry_at
          where escrow.reason <> excluded.reason
          returning subject_id, reason),
        freed as (
          delete from escrow e using {Touched.Some}
          where e.client_id = @client and e.subject_id = u.user_id and not e.is_group
            and not exists (select 1 from bad b where b.user_id = e.subject_id)
          returning e.subject_id)
        insert into t_event (subject, id, is_group, action, status, display_name, reason)
        select user_id, {NewId}, false, 8, 2, display_name, h.reason from held h join bad b on b.user_id = h.subject_id
        union all
        select u.user_id, {NewId}, false, 9, 1, u.display_name, 'RELEASED' from freed f
        join directory_user u on u.client_id = @client and u.user_id = f.subject_id and u.state in (1, 2)
        {MergeEvent};

        update client_sync set escrow_due_at = d.due
        from (select min(next_retry_at) as due from escrow where client_id = @client and source = 1) d
        where client_id = @client and escrow_due_at is distinct from d.due;
        """;

    private const string TellEvents = """
        insert into sync_event (id, msp_id, client_id, run_id, occurred_at, action, status, user_id, group_id,
          display_name, changes, reason_code)
        select id, @msp, @client, @run, @now, action, status, case when not is_group then subject end,
          case when is_group then subject end, display_name, changes, reason
        from t_event
        """;

    /// <summary>
    /// After a first round: everybody was added, mostly without a word more, and what else was noted joins that as
    /// <see cref="MergeEvent"/> would have it. The event of a person goes by the person's id: made in the same moment, and
    /// used but once.
    /// </summary>
    private const string TellFirst = """
        insert into sync_event as s (id, msp_id, client_id, run_id, occurred_at, action, status, user_id, group_id,
          display_name, changes, reason_code)
        select case when is_group then id else subject end, @msp, @client, @run, @now, action, status,
          case when not is_group then subject end, case when is_group then subject end, display_name, changes, reason
        from t_event
        on conflict (client_id, occurred_at, id) do update set
          action = case when excluded.action in (2, 8, 9) then s.action else excluded.action end,
          status = case when excluded.action in (2, 9) then s.status else excluded.status end,
          reason_code = case when excluded.reason_code = '' then s.reason_code else excluded.reason_code end
        """;

    /// <summary>What was noted on the way becomes the run's trail, with who entered or left escrow.</summary>
    private async Task TellAsync(CancellationToken ct)
    {
        if (retried.Length > 0)
        {
            await ExecuteAsync(
                Retried,
                ct,
                ("retried", retried),
                ("second_retry", EscrowRules.DelayAfter(attempts: 1)),
                ("daily_retry", EscrowRules.DelayAfter(attempts: 2))
            );
        }

        await ExecuteAsync(
            first ? Touched.OfEverybody(Escrow) : Escrow,
            ct,
            ("first_retry", EscrowRules.DelayAfter(attempts: 0))
        );
        await using var tell = Command(first ? TellFirst : TellEvents, []);
        told = await tell.ExecuteNonQueryAsync(ct) > 0 || added > 0;
    }
}
