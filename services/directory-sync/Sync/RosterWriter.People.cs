using System.Globalization;
using Npgsql;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Graph;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Sync;

/// <summary>People: each batch of entries is decided against what is known, and goes into the roster.</summary>
public sealed partial class RosterWriter
{
    /// <summary>A new account shows in the directory's changes within this time.</summary>
    private static readonly TimeSpan Replication = TimeSpan.FromHours(1);

    private readonly List<UserEntry> pending = [];

    /// <summary>Of a first round: whom it has written.</summary>
    private readonly HashSet<Guid> written = [];

    /// <summary>Of a first round: hashes of the addresses it has written, and those that came again.</summary>
    private readonly HashSet<int> mails = [];
    private readonly HashSet<string> sharedMails = [];

    /// <summary>Takes entries of any source.</summary>
    public async Task AddUsersAsync(IEnumerable<UserEntry> entries, CancellationToken ct)
    {
        pending.AddRange(entries);
        while (pending.Count >= batchSize)
        {
            await WriteUsersAsync(batchSize, ct);
        }
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
              mail, escrow_reason, suggested_kind, decided_kind is not null, staged and exists (select 1 from staged_removal r
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
                Mail = reader.GetString(9),
                EscrowReason = reader.GetString(10),
                Kind = (AccountKind)reader.GetInt32(11),
                IsDecided = reader.GetBoolean(12),
                IsGone = reader.GetBoolean(13),
            };
        }

        return known;
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
        changes.ForEach(c => AddRow(c, names[c.After.ObjectId].First()));
        if (first)
        {
            sharedMails.UnionWith(
                changes.Select(c => c.Mail).Where(m => !mails.Add(string.GetHashCode(m, StringComparison.Ordinal)))
            );
        }

        await WrittenAsync();
        var areNew = first && changes.TrueForAll(c => c is { Before: null, Loss: null });
        underWay = ApplyAsync(userRows.Take(), changes.Count, areNew, ct);
    }

    private async Task ApplyAsync(ReadOnlyMemory<byte> rows, int users, bool areNew, CancellationToken ct)
    {
        await CopyRows.SendAsync(rows, connection, UserColumns, ct);
        CrashPoints.Reach("after-copy");
        if (!areNew)
        {
            await AnalyzeAsync("t_user (user_id, object_id, is_new)", ct);
        }

        await RunAsync($"{(areNew ? Newcomers : Upsert)} {RoundTables.EmptyUsers(users)}", ct);
        CrashPoints.Reach("after-upsert");
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

    /// <summary>One batch of a client that has nothing yet: nobody to look for, and nothing to tell but that they were added.</summary>
    private const string Newcomers = """
        insert into directory_user (msp_id, client_id, user_id, revision, state, state_at, first_seen_at, suggested_kind,
          kind_evidence, authority, external_id, object_id, manager_object_id, properties, display_name, mail, escrow_reason, staged, outside_import)
        select @msp, @client, user_id, @version, state, state_at, first_seen_at, kind,
          kind_evidence, @source, external_id, object_id, manager, properties, display_name, mail, escrow_reason, false, false
        from t_user;

        insert into sync_event (id, msp_id, client_id, run_id, occurred_at, action, status, user_id, display_name, reason_code)
        select user_id, @msp, @client, @run, @now, 1, case when skipped = '' then 1 else 3 end, user_id, display_name, skipped
        from t_user;
        """;

    /// <summary>One batch of changed users from t_user into the roster.</summary>
    private const string Upsert = $"""
        insert into t_event (subject, id, is_group, action, status, display_name, changes, reason)
        select user_id, event_id, false, action, case when skipped = '' then 1 else 3 end, display_name, changes::jsonb, skipped
        from t_user where not (loss is not null and action = 3)
        {MergeEvent};

        insert into t_mail select unnest(array[mail, old_mail]) from t_user where weighs_mail;

        insert into directory_user (msp_id, client_id, user_id, revision, state, state_at, first_seen_at, suggested_kind,
          kind_evidence, authority, external_id, object_id, manager_object_id, properties, display_name, mail, escrow_reason, staged, outside_import,
          mailbox_due_at)
        select @msp, @client, user_id, @version, state, state_at, first_seen_at, kind,
          kind_evidence, @source, external_id, object_id, manager, properties, display_name, mail, escrow_reason, staged, false,
          case when same_mailbox then @now end
        from t_user
        on conflict (client_id, user_id) do update set revision = excluded.revision, state = excluded.state,
          state_at = excluded.state_at, suggested_kind = excluded.suggested_kind, kind_evidence = excluded.kind_evidence,
          manager_object_id = excluded.manager_object_id, properties = excluded.properties,
          display_name = excluded.display_name, mail = excluded.mail, staged = excluded.staged,
          outside_import = directory_user.outside_import and excluded.state > 2,
          mailbox_due_at = case when excluded.mailbox_due_at is not null then directory_user.mailbox_due_at end,
          escrow_reason = excluded.escrow_reason;

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
}
