namespace Rollcall.DirectorySync.Data;

/// <summary>The owner's function that forgets pages of rounds that do not come to their end.</summary>
internal static class PageRetention
{
    /// <summary>
    /// All pages of a client go with its first old one, since without its beginning a round begins afresh. Nobody may be at
    /// it: a client that is leased is left alone, unless its lease ran out; then whoever held it has lost it, as after a
    /// claim, and neither goes on behind these pages nor puts others there.
    /// </summary>
    public const string ForgetFunction = """
        create function forget_staged_pages(keep_days int) returns int language plpgsql security definer
        set search_path = pg_catalog, public, pg_temp as $$
        declare
          clients uuid[];
        begin
          if keep_days < 1 then
            raise exception 'pages kept for % days', keep_days;
          end if;

          with old as (
            select s.client_id from public.client_sync s
            where (s.owner is null or s.next_at < now()) and s.client_id in (
              select p.client_id from public.staged_page p where p.created_at < now() - make_interval(days => keep_days))
            for update of s skip locked),
          forgotten as (
            update public.client_sync s set has_pages = false, owner = null, fence = s.fence + 1
            from old where s.client_id = old.client_id returning s.client_id)
          select coalesce(array_agg(client_id), '{}') into clients from forgotten;

          delete from public.staged_page where client_id = any (clients);
          return cardinality(clients);
        end $$;
        """;
}
