using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Graph;

namespace Rollcall.DirectorySync.Sync;

/// <summary>
/// The import scope. Who is in it hangs on the groups, so for a scoped client they are applied before the users. The
/// others leave their object id in outside_user and nothing else.
/// </summary>
public sealed partial class RosterWriter
{
    /// <summary>More than these are not asked for one by one: everybody is read again.</summary>
    private const int MostNewcomers = 400;

    private ImportFilter scope = ImportFilter.All;
    private Dictionary<Guid, UserEntry?> newcomers = [];
    private bool insideKnown;

    /// <summary>Not everybody of the directory is imported.</summary>
    private bool IsScoped => scope.PeopleGroups is not null;

    /// <summary>Takes note of who is there, before a full round's groups are applied.</summary>
    private async Task SeeUsersAsync(StreamPages users, CancellationToken ct)
    {
        if (!lease.IsFull)
        {
            return;
        }

        await foreach (var page in users.UsersAsync(ct))
        {
            await SeeAsync([.. page.Where(e => e.Removed is null)], ct);
        }
    }

    /// <summary>
    /// People who came into the scope while only their ids were known here, read one by one; null for those the
    /// directory does not have any more.
    /// </summary>
    private async Task AddNewcomersAsync(Dictionary<Guid, UserEntry?> read, CancellationToken ct)
    {
        newcomers = read;
        await AddUsersAsync(read.Values.OfType<UserEntry>(), ct);
    }

    /// <summary>Who is in scope, by the groups as they are now: from here on they must not change.</summary>
    private async Task FindInsideAsync(CancellationToken ct)
    {
        if (!insideKnown)
        {
            insideKnown = true;
            await ExecuteAsync(
                $"""
                insert into t_inside {ImportFilter.Members};
                analyze t_inside;
                """,
                ct,
                ("peoplegroups", scope.PeopleGroups!)
            );
        }
    }

    /// <summary>The entries that concern the roster; of the others the ids are kept. And who is in scope.</summary>
    private async Task<(IEnumerable<UserEntry> Imported, Predicate<Guid> Inside)> ImportedAsync(
        UserEntry[] entries,
        Dictionary<Guid, KnownUser> known,
        CancellationToken ct
    )
    {
        if (!IsScoped)
        {
            return (entries, _ => true);
        }

        await FindInsideAsync(ct);
        var ids = entries.Select(e => e.ObjectId).Distinct().ToArray();
        var inside = await IdsAsync("select object_id from t_inside where object_id = any (@ids)", ids, ct);
        var outside = await IdsAsync(
            "select object_id from outside_user where client_id = @client and object_id = any (@ids)",
            ids,
            ct
        );
        var imported = new List<UserEntry>(entries.Length);
        var stays = new Dictionary<Guid, bool>();
        foreach (var entry in entries)
        {
            var id = entry.ObjectId;
            var lives = known.GetValueOrDefault(id) is { State: UserState.Active or UserState.Disabled };

            // Of an outsider a delta entry may tell a part only; new to us, restored or in a full round it is whole.
            var whole = lease.IsFull || newcomers.GetValueOrDefault(id) is not null || !outside.Contains(id);
            if (entry.Removed is not null || lives || (inside.Contains(id) && whole))
            {
                imported.Add(entry);
                stays[id] = false;
            }
            else
            {
                stays[id] = true;
                returned |= !outside.Contains(id) && IsOld(entry.Patch);
            }
        }

        await ExecuteAsync(
            KeepOutsiders,
            ct,
            ("stay", stays.Where(s => s.Value).Select(s => s.Key).ToArray()),
            ("go", stays.Where(s => !s.Value).Select(s => s.Key).ToArray())
        );
        return (imported, inside.Contains);
    }

    /// <summary>Who fell out of scope becomes a loss, who came back is not staged any more.</summary>
    /// <returns>Those who came in but must be read first.</returns>
    private async Task<List<Guid>> ApplyScopeAsync(CancellationToken ct)
    {
        if (lease.IsFull && !first && source == Source.Microsoft365)
        {
            await ExecuteAsync(IsScoped ? ForgetMissing : ForgetOutsiders, ct);
        }

        if (!IsScoped)
        {
            return [];
        }

        await FindInsideAsync(ct);
        await ExecuteAsync(FallenOut, ct);
        await ExecuteAsync(CameBack, ct);
        var unread = await IdsAsync(
            """
            select o.object_id from outside_user o join t_inside i on i.object_id = o.object_id
            where o.client_id = @client and not o.object_id = any (@ids)
            """,
            [.. newcomers.Keys],
            ct
        );
        if (unread.Count > MostNewcomers || newcomers.Count > 0)
        {
            returned |= unread.Count > 0;
            return [];
        }

        return [.. unread];
    }

    private const string KeepOutsiders = """
        insert into outside_user (msp_id, client_id, object_id) select @msp, @client, unnest(@stay)
        on conflict do nothing;
        delete from outside_user where client_id = @client and object_id = any (@go);
        """;

    private const string ForgetMissing = """
        delete from outside_user o
        where o.client_id = @client and not exists (select 1 from t_seen s where s.object_id = o.object_id);
        """;

    /// <summary>Everybody is imported now, so nobody is outside.</summary>
    private const string ForgetOutsiders = """
        delete from outside_user where client_id = @client;
        delete from staged_removal r
        where r.client_id = @client and r.outside_import and not exists (select 1 from t_loss l where l.user_id = r.user_id);
        """;

    /// <summary>The active become losses, which the brake looks at; the disabled leave at once.</summary>
    private const string FallenOut = $"""
        insert into t_loss
        select u.user_id, 3, true from directory_user u
        where u.client_id = @client and u.authority = @source and u.state = 1
          and not exists (select 1 from t_inside i where i.object_id = u.object_id)
        on conflict (user_id) do update set state = 3, outside = true where t_loss.state = 2;

        with gone as (
          update directory_user u set state = 3, state_at = @now, revision = @version, outside_import = true
          where u.client_id = @client and u.authority = @source and u.state = 2
            and not exists (select 1 from t_inside i where i.object_id = u.object_id)
          returning u.user_id, u.object_id, u.display_name, u.mail),
        told as (
          insert into t_event (subject, id, is_group, action, status, display_name, reason)
          select user_id, {NewId}, false, 3, 1, display_name, 'OUTSIDE_WHILE_DISABLED' from gone
          {MergeEvent}),
        outsiders as (
          insert into outside_user (msp_id, client_id, object_id) select @msp, @client, object_id from gone
          on conflict do nothing),
        mails as (insert into t_mail select mail from gone)
        insert into t_touched select user_id from gone on conflict do nothing;
        """;

    /// <summary>Nobody waits for their removal any more. What the directory said of them meanwhile holds: the disabled are a loss.</summary>
    private const string CameBack = """
        with back as (
          delete from staged_removal r using directory_user u
          where r.client_id = @client and r.outside_import and u.client_id = @client and u.user_id = r.user_id
            and exists (select 1 from t_inside i where i.object_id = u.object_id)
            and not exists (select 1 from t_loss l where l.user_id = r.user_id)
          returning r.user_id, u.state = 1 and u.properties::json ->> 'accountEnabled' = 'false' as disabled),
        kept as (
          update directory_user u set staged = false, revision = @version from back b
          where u.client_id = @client and u.user_id = b.user_id),
        lost as (insert into t_loss (user_id, state) select user_id, 2 from back where disabled)
        insert into t_touched select user_id from back on conflict do nothing;
        """;
}
