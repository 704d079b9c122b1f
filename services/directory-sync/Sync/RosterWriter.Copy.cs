using Npgsql;
using NpgsqlTypes;
using Rollcall.DirectorySync.Graph;

namespace Rollcall.DirectorySync.Sync;

/// <summary>The way of a batch into the temporary tables.</summary>
public sealed partial class RosterWriter
{
    private sealed record UserRow(UserChange Change, string ExternalId)
    {
        public byte[] Properties { get; } = Change.After.Properties.ToJson();
        public string? Changes { get; } = Change.ChangesJson();
    }

    private async Task CopyUsersAsync(List<UserRow> rows, CancellationToken ct)
    {
        await using var copy = await connection.BeginBinaryImportAsync(
            """
            copy t_user (user_id, object_id, external_id, is_new, action, state, state_at, first_seen_at, staged, loss, outside, kind,
              kind_evidence, properties, display_name, mail, escrow_reason, manager, old_manager, counts, event_id, changes)
            from stdin (format binary)
            """,
            ct
        );
        rows.ForEach(r => Write(copy, r));

        await copy.CompleteAsync(ct);
    }

    /// <summary>Without awaiting: millions of values, each gone into a buffer.</summary>
    private static void Write(NpgsqlBinaryImporter copy, UserRow row)
    {
        var c = row.Change;
        copy.StartRow();
        copy.Write(c.After.UserId);
        copy.Write(c.After.ObjectId);
        copy.Write(row.ExternalId);
        copy.Write(c.Before is null);
        copy.Write((int)c.Action);
        copy.Write((int)c.After.State);
        copy.Write(c.After.StateAt, NpgsqlDbType.TimestampTz);
        copy.Write(c.After.FirstSeenAt, NpgsqlDbType.TimestampTz);
        copy.Write(c.After.Staged);
        copy.Write((int?)c.Loss);
        copy.Write(c.Outside);
        copy.Write((int)c.Kind);
        copy.Write(c.KindEvidence);
        copy.Write(row.Properties, NpgsqlDbType.Text);
        copy.Write(c.DisplayName);
        copy.Write(c.Mail);
        copy.Write(c.EscrowReason);
        copy.Write(c.After.Manager);
        copy.Write(c.Before?.Manager);
        copy.Write(c.Before?.Manager != c.After.Manager || c.Before?.State != c.After.State);
        copy.Write(Guid.CreateVersion7());
        copy.Write(row.Changes, NpgsqlDbType.Jsonb);
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

        await WrittenAsync();
        await using (
            var copy = await connection.BeginBinaryImportAsync(
                "copy t_group (object_id, group_id, removed, display_name, security_enabled, dynamic, unreadable) from stdin (format binary)",
                ct
            )
        )
        {
            pendingGroups.ForEach(g => Write(copy, g));
            await copy.CompleteAsync(ct);
        }

        await using (
            var copy = await connection.BeginBinaryImportAsync(
                "copy t_edge (group_object_id, member_object_id, member_type, removed) from stdin (format binary)",
                ct
            )
        )
        {
            pendingGroups.ForEach(g => g.Members.ForEach(m => Write(copy, g, m)));
            await copy.CompleteAsync(ct);
        }

        edges += pendingGroups.Sum(g => g.Members.Count);
        edgesRemoved |= pendingGroups.Exists(g => g.Members.Exists(m => m.Removed));
        pendingGroups.Clear();
    }

    private static void Write(NpgsqlBinaryImporter copy, GroupEntry group)
    {
        copy.StartRow();
        copy.Write(group.ObjectId);
        copy.Write(Guid.CreateVersion7());
        copy.Write(group.Removed is not null);
        copy.Write(group.DisplayName);
        copy.Write(group.SecurityEnabled);
        copy.Write(group.Dynamic);
        copy.Write(group.Unreadable is not null);
    }

    private static void Write(NpgsqlBinaryImporter copy, GroupEntry group, MemberEntry member)
    {
        copy.StartRow();
        copy.Write(group.ObjectId);
        copy.Write(member.ObjectId);
        copy.Write((int)member.Type);
        copy.Write(member.Removed);
    }
}
