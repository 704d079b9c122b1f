namespace Rollcall.DirectorySync.Data;

/// <summary>What turns sync_event into a table with a partition for each month, and the owner's function that keeps them.</summary>
internal static class TrailPartitions
{
    /// <summary>Keeps every row: they start in the default partition; the first run of the function sorts them.</summary>
    public const string Create = """
        update sync_event set status = 1;
        alter table sync_event rename to sync_event_plain;
        alter table sync_event_plain drop constraint pk_sync_event;
        drop index ix_sync_event_client_id_run_id;
        drop index ix_sync_event_client_id_user_id;
        create table sync_event (like sync_event_plain including defaults) partition by range (occurred_at);
        alter table sync_event alter column status drop default;
        alter table sync_event add constraint pk_sync_event primary key (client_id, occurred_at, id);
        create index ix_sync_event_client_id_run_id on sync_event (client_id, run_id);
        create index ix_sync_event_client_id_user_id on sync_event (client_id, user_id);
        create table sync_event_default partition of sync_event default;
        insert into sync_event select * from sync_event_plain;
        drop table sync_event_plain;
        insert into housekeeping (job) values ('trail');

        insert into escrow (msp_id, client_id, subject_id, is_group, object_id, source, reason, first_seen_at, attempts, next_retry_at)
        select msp_id, client_id, user_id, false, coalesce(object_id, user_id), authority, escrow_reason, now(), 0, now()
        from directory_user where escrow_reason <> '' and state = 1 and kind in (1, 3);
        update client_sync set escrow_due_at = now()
        where client_id in (select client_id from escrow where source = 1);
        """;

    /// <summary>
    /// A month is made beside its parent and attached, which other transactions hardly notice; new ones carry the policy
    /// and no grant. Whoever is in the way makes it give up, to be called again.
    /// </summary>
    public const string KeepFunction = """
        create or replace function keep_sync_trail(as_of timestamptz, keep_months int, preview_days int) returns text[]
        language plpgsql security definer
        set search_path = pg_catalog, public, pg_temp set lock_timeout = '2s' set timezone = 'UTC' as $$
        declare
          oldest timestamptz := as_of - make_interval(months => keep_months);
          dropped text[] := '{}';
          month timestamptz;
          name text;
        begin
          if keep_months < 1 or preview_days < 1 then
            raise exception 'retention of % months and % days', keep_months, preview_days;
          end if;

          for name in
            select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
            where i.inhparent = 'public.sync_event'::regclass and c.relname ~ '^sync_event_\d{6}$'
              and to_date(right(c.relname, 6), 'YYYYMM') + interval '1 month' <= oldest
            order by c.relname
          loop
            execute format('drop table public.%I', name);
            dropped := dropped || name;
          end loop;

          delete from public.sync_event_default where occurred_at < date_trunc('month', oldest);
          delete from public.sync_preview where occurred_at < as_of - make_interval(days => preview_days);

          for month in
            select date_trunc('month', occurred_at) from public.sync_event_default
            union select generate_series(date_trunc('month', as_of), as_of + interval '2 months', interval '1 month')
          loop
            name := 'sync_event_' || to_char(month, 'YYYYMM');
            continue when to_regclass('public.' || name) is not null;
            execute format('create table public.%I (like public.sync_event including defaults)', name);
            execute format('alter table public.%I enable row level security', name);
            execute format('alter table public.%I force row level security', name);
            execute format('create policy tenant on public.%I using (%s) with check (%2$s)', name, (
              select pg_get_expr(polqual, polrelid) from pg_policy
              where polrelid = 'public.sync_event'::regclass and polname = 'tenant'));
            execute format('with moved as (delete from public.sync_event_default
                where occurred_at >= %L and occurred_at < %L returning *)
              insert into public.%I select * from moved', month, month + interval '1 month', name);
            execute format('alter table public.sync_event attach partition public.%I for values from (%L) to (%L)',
              name, month, month + interval '1 month');
          end loop;
          return dropped;
        end $$;
        """;

    /// <summary>Back to a plain table, with every row.</summary>
    public const string Undo = """
        drop function keep_sync_trail(timestamptz, int, int);
        create table sync_event_plain (like sync_event including defaults);
        insert into sync_event_plain select * from sync_event;
        drop table sync_event;
        alter table sync_event_plain rename to sync_event;
        alter table sync_event add constraint pk_sync_event primary key (client_id, occurred_at, id);
        create index ix_sync_event_client_id_run_id on sync_event (client_id, run_id);
        create index ix_sync_event_client_id_user_id on sync_event (client_id, user_id);
        """;
}
