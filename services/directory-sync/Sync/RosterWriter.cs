using System.Globalization;
using Npgsql;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Graph;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Sync;

/// <summary>What a round did to the roster.</summary>
/// <param name="ReadAll">The next round must be a full one.</param>
/// <param name="Events">Objects it has something to say about.</param>
public sealed record RoundResult(
    int Added,
    int Changed,
    int Removed,
    int Staged,
    long RosterVersion,
    bool ReadAll = false,
    int Events = 0
)
{
    /// <summary>They came into the import scope, but only their ids are known: nothing may be committed without them.</summary>
    public List<Guid> Unread { get; init; } = [];
}

/// <summary>
/// Applies a round inside the caller's transaction, set by set: entries become changed rows (decided by
/// <see cref="UserChanges"/>), go by COPY into temporary tables, and from there into the roster. Temporary tables,
/// because COPY is refused on tables with row-level security.
/// </summary>
public sealed partial class RosterWriter(
    NpgsqlConnection connection,
    SyncLease lease,
    Guid runId,
    DateTimeOffset now,
    Source source = Source.Microsoft365,
    bool preview = false,
    int batchSize = RosterWriter.DefaultBatch
)
{
    public const int DefaultBatch = 1000;
    private const int BigRound = 5000;
    private const int EdgeBatch = 20_000;

    /// <summary>Of so few rows the planner need not know more than that they are few.</summary>
    private const int SmallRound = 200;

    /// <summary>A new account shows in the directory's changes within this time.</summary>
    private static readonly TimeSpan Replication = TimeSpan.FromHours(1);
    private int added;
    private int changed;
    private int removed;
    private bool lost;
    private bool returned;
    private int edges;
    private bool edgesRemoved;
    private int told;

    /// <summary>Entries of any kind that the round rests on.</summary>
    private int entries;
    private Guid[] retried = [];
    private long rosterVersion;
    private Task underWay = Task.CompletedTask;
    private readonly List<UserEntry> pending = [];
    private readonly List<GroupEntry> pendingGroups = [];

    /// <summary>Nothing of the client is in the roster yet: no need to look for it, but for what this round has written.</summary>
    private bool first;
    private readonly HashSet<Guid> written = [];

    /// <summary>Locks the client and prepares the temporary tables.</summary>
    public async Task BeginAsync(CancellationToken ct)
    {
        await RoundTables.PrepareAsync(connection, ct);
        rosterVersion = (long)
            (await ScalarAsync("select roster_version + 1 from client where client_id = @client for update", ct))!;
        scope = source == Source.Microsoft365 ? await ImportFilter.LoadAsync(connection, lease.ClientId, ct) : scope;
        first = (bool)(await ScalarAsync(NothingYet, ct))!;
    }

    /// <summary>Takes entries of any source.</summary>
    public async Task AddUsersAsync(IEnumerable<UserEntry> entries, CancellationToken ct)
    {
        pending.AddRange(entries);
        while (pending.Count >= batchSize)
        {
            await WriteUsersAsync(batchSize, ct);
        }
    }

    /// <summary>Waits for the statement that was sent off while the next batch was decided.</summary>
    private Task WrittenAsync()
    {
        var sent = underWay;
        underWay = Task.CompletedTask;
        return sent;
    }

    private async Task WriteUsersAsync(int count, CancellationToken ct)
    {
        UserEntry[] users = [.. pending.Take(count)];
        pending.RemoveRange(0, users.Length);
        entries += users.Length;
        var known = await KnownAsync([.. users.Select(e => e.ObjectId).Distinct()], ct);
        var (imported, inside) = await ImportedAsync(users, known, ct);
        var changes = new Dictionary<Guid, UserChange>();
        foreach (var entry in imported)
        {
            // The same user may come twice in a page: the second entry builds on the first.
            var before = changes.TryGetValue(entry.ObjectId, out var earlier)
                ? earlier.After
                : known.GetValueOrDefault(entry.ObjectId);
            returned |= entry.Removed is null && before is { IsGone: true };
            var outside = before is { State: UserState.Active or UserState.Disabled } && !inside(entry.ObjectId);
            if (UserChanges.Apply(before, entry, now, outside) is { } change)
            {
                changes[entry.ObjectId] = earlier is null ? change : change.On(earlier);
            }
            else if (entry.Removed is null && earlier is { Loss: not null })
            {
                // Lost and back in one page: nothing happened, but a change before the loss may have.
                changes[entry.ObjectId] = earlier with
                {
                    Loss = outside ? UserState.Removed : null,
                    Outside = outside,
                    Action = earlier.Before is null ? SyncAction.Added : SyncAction.Changed,
                };
            }
        }

        await SeeAsync([.. users.Where(e => e.Removed is null)], ct);
        var names = users.ToLookup(e => e.ObjectId, e => e.ExternalId);
        await WriteAsync([.. changes.Values], names, ct);
    }

    /// <summary>Takes note of who is there: a full round misses the others, and nobody seen is lost any more.</summary>
    private async Task SeeAsync(UserEntry[] living, CancellationToken ct)
    {
        var ids = living.Select(e => e.ObjectId).ToArray();
        if (lease.IsFull && (IsScoped || !first))
        {
            await ExecuteAsync(
                """
                insert into t_seen select id, bool_or(managed) from unnest(@ids, @managed) e (id, managed) group by id
                on conflict (object_id) do update set managed = t_seen.managed or excluded.managed
                """,
                ct,
                ("ids", ids),
                ("managed", living.Select(e => e.Manager is not null).ToArray())
            );
        }

        if (lost)
        {
            // On an earlier page of this round; this one has the last word.
            await ExecuteAsync(
                """
                delete from t_loss l using directory_user u
                where u.client_id = @client and u.user_id = l.user_id and u.object_id = any (@ids)
                """,
                ct,
                ("ids", ids)
            );
        }
    }

    private async Task<Dictionary<Guid, KnownUser>> KnownAsync(Guid[] objectIds, CancellationToken ct)
    {
        if (first)
        {
            objectIds = [.. objectIds.Where(id => !written.Add(id))];
        }

        if (objectIds.Length == 0)
        {
            return [];
        }

        await WrittenAsync();
        await using var command = new NpgsqlCommand(
            """
            select user_id, object_id, state, staged, properties, manager_object_id, state_at, first_seen_at, mailbox_purpose,
              staged and exists (select 1 from staged_removal r
                where r.client_id = $1 and r.user_id = directory_user.user_id and r.new_state > 2 and not r.outside_import)
            from directory_user where client_id = $1 and object_id = any ($2) and authority = $3
            """,
            connection
        );
        command.Parameters.Add(new() { Value = lease.ClientId });
        command.Parameters.Add(new() { Value = objectIds });
        command.Parameters.Add(new() { Value = (int)source });
        var known = new Dictionary<Guid, KnownUser>(objectIds.Length);
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            known[reader.GetGuid(1)] = new(
                reader.GetGuid(0),
                reader.GetGuid(1),
                (UserState)reader.GetInt32(2),
                reader.GetBoolean(3),
                PropertySet.FromJson(await reader.GetFieldValueAsync<byte[]>(4, ct)),
                reader[5] as Guid?,
                new DateTimeOffset(reader.GetDateTime(6)),
                new DateTimeOffset(reader.GetDateTime(7))
            )
            {
                MailboxPurpose = reader[8] as string,
                IsGone = reader.GetBoolean(9),
            };
        }

        return known;
    }

    private async Task WriteAsync(List<UserChange> changes, ILookup<Guid, string> names, CancellationToken ct)
    {
        if (changes.Count == 0)
        {
            return;
        }

        added += changes.Count(c => c.Action is SyncAction.Added);
        changed += changes.Count(c => c.Action is SyncAction.Changed or SyncAction.Restored);
        removed += changes.Count(c => c is { Action: SyncAction.Removed or SyncAction.Purged, Loss: null });
        lost |= changes.Exists(c => c.Loss is not null);
        returned |= changes.Exists(IsReturn);
        // Put into words while the statement before is at work.
        changes.ForEach(c => AddRow(c, names[c.After.ObjectId].First()));
        await WrittenAsync();
        await userRows.SendAsync(connection, UserColumns, ct);
        CrashPoints.Reach("after-copy");
        if (first && changes.TrueForAll(c => c is { Before: null, Loss: null }))
        {
            underWay = ApplyAsync(Newcomers, changes.Count, ct);
        }
        else
        {
            await AnalyzeAsync("t_user (user_id, object_id, is_new)", ct);
            await ApplyAsync(Upsert, changes.Count, ct);
        }

        CrashPoints.Reach("after-upsert");
    }

    private async Task ApplyAsync(string batch, int users, CancellationToken ct)
    {
        await ExecuteAsync(batch, ct);
        await RoundTables.EmptyUsersAsync(connection, users, ct);
    }

    /// <summary>Everything read is in: settles losses, groups and edges, and publishes the new version if there is one.</summary>
    public async Task<RoundResult> FinishAsync(RosterPublisher publisher, CancellationToken ct)
    {
        await WriteUsersAsync(pending.Count, ct);
        await WrittenAsync();
        await PlanAsync(ct);
        if (source == Source.Microsoft365 && !IsScoped)
        {
            await ApplyGroupsAsync(ct);
        }

        if (lease.IsFull && !first)
        {
            await ExecuteAsync(MissingUsers, ct);
            await ExecuteAsync(LostManagers, ct);
        }

        var unread = await ApplyScopeAsync(ct);
        if (unread.Count > 0)
        {
            return new(0, 0, 0, 0, 0) { Unread = unread };
        }

        var (deleted, staged) = await ApplyLossesAsync(ct);
        CrashPoints.Reach("after-losses");
        var version = await PublishAsync(publisher, ct);
        CrashPoints.Reach("after-outbox");
        return new(added, changed, removed + deleted, staged, version, ReadAll: returned && !lease.IsFull, told);
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

    /// <summary>Publishes what was touched as the next version. 0 if nothing was.</summary>
    public async Task<long> PublishAsync(RosterPublisher publisher, CancellationToken ct)
    {
        if (first)
        {
            await ExecuteAsync(FirstMails, ct);
        }
        else
        {
            await AnalyzeAsync("t_touched, t_mail, t_manager, t_new, t_edge_changed, t_group_changed", ct);
            await ExecuteAsync(Touch, ct);
        }

        await ExecuteAsync(DuplicateMails, ct);
        await TellAsync(ct);
        var version = preview
            ? 0
            : await publisher.PublishAsync(connection, lease, rosterVersion, now, everybody: first, ct);
        await RoundTables.LeaveAsync(connection, big: entries > BigRound, ct);
        return version;
    }

    /// <summary>
    /// Back from the deleted, or new to us though older than our last look: memberships and manager links come back
    /// without a word, and a full round in between may not have seen them. Only another one tells.
    /// </summary>
    private bool IsReturn(UserChange change) =>
        newcomers.TryGetValue(change.After.ObjectId, out var read)
            // Read by himself, which names no manager both when there is none any more and when he is deleted.
            ? change.Before?.Manager is not null && read?.Manager is null
            : change.Action == SyncAction.Restored
                || change is { Before.Staged: true, After.Staged: false }
                || (change.Before is null && IsOld(change.After.Properties));

    private bool IsOld(PropertySet properties) =>
        DateTimeOffset.TryParse(
            properties["createdDateTime"],
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal,
            out var created
        )
        && created < lease.LastSuccessAt - Replication;

    /// <summary>
    /// The planner knows the average client. For a big one it expects a hundredth of the rows and would compare each
    /// with each; joins by hash take their time and never more. Nor do plans serve that were made for small rounds.
    /// </summary>
    private async Task PlanAsync(CancellationToken ct)
    {
        if (added + changed + edges > BigRound)
        {
            await ExecuteAsync(
                "set local enable_nestloop = off; set local work_mem = '64MB'; set local plan_cache_mode = force_custom_plan",
                ct
            );
        }
    }

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

    internal static readonly int[] PeopleKinds =
    [
        (int)AccountKind.Person,
        (int)AccountKind.Contractor,
        (int)AccountKind.Guest,
        (int)AccountKind.Admin,
    ];

    private Task AnalyzeAsync(string tables, CancellationToken ct) =>
        entries > SmallRound ? ExecuteAsync($"analyze {tables}", ct) : Task.CompletedTask;

    private async Task ExecuteAsync(string sql, CancellationToken ct, params (string Name, object Value)[] parameters)
    {
        await WrittenAsync();
        await using var command = Command(sql, parameters);
        await command.ExecuteNonQueryAsync(ct);
    }

    private async Task<object?> ScalarAsync(
        string sql,
        CancellationToken ct,
        params (string Name, object Value)[] parameters
    )
    {
        await WrittenAsync();
        await using var command = Command(sql, parameters);
        return await command.ExecuteScalarAsync(ct);
    }

    /// <summary>Every statement may use @msp, @client, @version, @run, @now and @source.</summary>
    private NpgsqlCommand Command(string sql, (string Name, object Value)[] parameters)
    {
        // As long as it takes: the lease is prolonged meanwhile, and lost by whoever stands still.
        var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        command.Parameters.AddWithValue("msp", lease.MspId);
        command.Parameters.AddWithValue("client", lease.ClientId);
        command.Parameters.AddWithValue("version", rosterVersion);
        command.Parameters.AddWithValue("run", runId);
        command.Parameters.AddWithValue("now", now);
        command.Parameters.AddWithValue("source", (int)source);
        foreach (var (name, value) in parameters)
        {
            command.Parameters.AddWithValue(name, value);
        }

        return command;
    }
}
