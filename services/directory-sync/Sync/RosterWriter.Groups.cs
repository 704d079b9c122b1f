using Rollcall.DirectorySync.Graph;
using Rollcall.DirectorySync.Trail;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Sync;

/// <summary>Groups and who is in them, folded into the roster once all of their slices are in.</summary>
public sealed partial class RosterWriter
{
    private const int EdgeBatch = 20_000;

    private readonly List<GroupEntry> pendingGroups = [];
    private int edges;
    private bool edgesRemoved;

    /// <summary>Takes one page of the groups stream.</summary>
    /// <returns>False if there was none left.</returns>
    private async Task<bool> AddGroupsAsync(IAsyncEnumerator<IEnumerable<GroupEntry>> pages, CancellationToken ct)
    {
        if (!await pages.MoveNextAsync())
        {
            return false;
        }

        pendingGroups.AddRange(pages.Current);
        if (pendingGroups.Sum(g => 1 + g.Members.Count) >= EdgeBatch)
        {
            await CopyGroupsAsync(ct);
        }

        return true;
    }

    private async Task CopyGroupsAsync(CancellationToken ct)
    {
        if (pendingGroups.Count == 0)
        {
            return;
        }

        entries += pendingGroups.Sum(g => 1 + g.Members.Count);
        if (!first)
        {
            var living = pendingGroups.Where(g => g.Removed is null).Select(g => g.ObjectId).ToArray();
            returned |= (bool)(await ScalarAsync(AnyRemovedGroup, ct, ("ids", living)))!;
        }

        pendingGroups.ForEach(AddRow);
        await WrittenAsync();
        underWay = SendAsync(groupRows.Take(), edgeRows.Take(), ct);
        edges += pendingGroups.Sum(g => g.Members.Count);
        edgesRemoved |= pendingGroups.Exists(g => g.Members.Exists(m => m.Removed));
        pendingGroups.Clear();
    }

    private async Task SendAsync(ReadOnlyMemory<byte> newGroups, ReadOnlyMemory<byte> newEdges, CancellationToken ct)
    {
        await CopyRows.SendAsync(newGroups, connection, GroupColumns, ct);
        await CopyRows.SendAsync(newEdges, connection, EdgeColumns, ct);
    }

    /// <summary>All slices of all groups are in: folds them into the roster, and finds out who is in scope.</summary>
    private async Task ApplyGroupsAsync(CancellationToken ct)
    {
        await CopyGroupsAsync(ct);
        await WrittenAsync();
        // Without a removal every word on an edge is the same, and none needs to be the last.
        var final = edgesRemoved ? LastWords : "select * from t_edge";
        var areNew = first && !edgesRemoved;
        await AnalyzeAsync(areNew ? "t_group" : "t_group, t_edge, t_seen", ct);
        await ExecuteAsync(
            areNew
                ? Groups + FirstEdges + GroupEvents("t_edge") + GroupEscrow
                : $"{Groups} with final as ({final}) {Edges} {GroupEvents("t_edge_changed")} {GroupEscrow}",
            ct,
            ("compare", lease.IsFull && !first),
            ("full", lease.IsFull),
            ("first_retry", EscrowRules.DelayAfter(attempts: 0)),
            ("allgroups", scope.Groups is null),
            ("groups", scope.Groups ?? [])
        );
        CrashPoints.Reach("after-groups");
    }

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
          returning m.group_object_id, m.member_object_id, m.member_type, true, m.held_at is not null),
        come as (
          insert into membership (msp_id, client_id, group_object_id, member_object_id, member_type)
          select @msp, @client, group_object_id, member_object_id, member_type from final where not removed
          on conflict do nothing
          returning group_object_id, member_object_id, member_type, false, false)
        insert into t_edge_changed select * from gone union all select * from come;

        with gone as (
          delete from membership m
          where @compare and m.client_id = @client and not exists (
            select 1 from t_edge e
            where e.group_object_id = m.group_object_id and e.member_object_id = m.member_object_id and not e.removed)
            and (m.member_type not in (1, 2)
              or exists (select 1 from t_seen s where s.object_id = m.member_object_id)
              or exists (select 1 from t_folded f where f.object_id = m.member_object_id and not f.removed))
          returning m.group_object_id, m.member_object_id, m.member_type, true, m.held_at is not null)
        insert into t_edge_changed select * from gone;
        """;

    /// <summary>
    /// Each but once, in the order of the key: what is known to be new costs the indexes half. Of these changes only the
    /// nestings are of interest to anybody.
    /// </summary>
    private const string FirstEdges = """
        insert into membership (msp_id, client_id, group_object_id, member_object_id, member_type)
        select @msp, @client, e.* from (
          select distinct on (member_object_id, group_object_id) group_object_id, member_object_id, member_type
          from t_edge order by member_object_id, group_object_id) e;
        insert into t_edge_changed select group_object_id, member_object_id, member_type, false, false
        from t_edge where member_type = 2;

        """;

    private const string LastWords = """
        select distinct on (group_object_id, member_object_id) group_object_id, member_object_id, member_type, removed
        from t_edge order by group_object_id, member_object_id, seq desc
        """;

    private const string AnyRemovedGroup = """
        select exists (select 1 from directory_group where client_id = @client and removed and object_id = any (@ids))
        """;
}
