using Rollcall.DirectorySync.Graph;

namespace Rollcall.DirectorySync.Sync;

/// <summary>The way of a batch into the temporary tables.</summary>
public sealed partial class RosterWriter
{
    private const string UserColumns = """
        t_user (user_id, object_id, external_id, is_new, action, state, state_at, first_seen_at, staged, loss, outside, kind,
          kind_evidence, properties, display_name, mail, escrow_reason, manager, old_manager, counts, event_id, changes,
          skipped, same_mailbox, weighs_mail, old_mail)
        """;

    private const string GroupColumns =
        "t_group (object_id, group_id, removed, display_name, security_enabled, dynamic, unreadable)";

    private const string EdgeColumns = "t_edge (group_object_id, member_object_id, member_type, removed)";

    private readonly CopyRows userRows = new(columns: 26);
    private readonly CopyRows groupRows = new(columns: 7);
    private readonly CopyRows edgeRows = new(columns: 4);

    private void AddRow(UserChange c, string externalId) =>
        userRows
            .Row()
            .Add(c.After.UserId)
            .Add(c.After.ObjectId)
            .Add(externalId)
            .Add(c.Before is null)
            .Add((int)c.Action)
            .Add((int)c.After.State)
            .Add(c.After.StateAt)
            .Add(c.After.FirstSeenAt)
            .Add(c.After.Staged)
            .Add((int?)c.Loss)
            .Add(c.Outside)
            .Add((int)c.Kind)
            .Add(c.KindEvidence)
            .AddBytes(c.After.Properties.ToJson())
            .Add(c.DisplayName)
            .Add(c.Mail)
            .Add(c.EscrowReason)
            .Add(c.After.Manager)
            .Add(c.Before?.Manager)
            .Add(c.Before?.Manager != c.After.Manager || c.Before?.State != c.After.State)
            .Add(Guid.CreateVersion7())
            .Add(c.ChangesJson())
            .Add(c.Skipped)
            .Add(c.SameMailbox)
            .Add(c.WeighsMail)
            .Add(c.Before?.Mail);

    private void AddRow(GroupEntry group)
    {
        groupRows
            .Row()
            .Add(group.ObjectId)
            .Add(Guid.CreateVersion7())
            .Add(group.Removed is not null)
            .Add(group.DisplayName)
            .Add(group.SecurityEnabled)
            .Add(group.Dynamic)
            .Add(group.Unreadable is not null);
        foreach (var member in group.Members)
        {
            edgeRows.Row().Add(group.ObjectId).Add(member.ObjectId).Add((int)member.Type).Add(member.Removed);
        }
    }
}
