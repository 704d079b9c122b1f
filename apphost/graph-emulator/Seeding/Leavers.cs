using Rollcall.GraphEmulator.Model;

namespace Rollcall.GraphEmulator.Seeding;

/// <summary>The ways people leave a real directory, most of them untidy.</summary>
public enum LeaverKind
{
    /// <summary>Deleted, can be restored.</summary>
    Deleted,

    /// <summary>Deleted for good.</summary>
    Purged,

    /// <summary>Disabled; groups and licence stay.</summary>
    Disabled,

    /// <summary>Disabled and turned into a shared mailbox under the old name.</summary>
    SharedMailbox,

    /// <summary>Still enabled, but the leave date has passed.</summary>
    LeaveDatePassed,

    /// <summary>Renamed "zz_left …", moved to a leavers' department, still enabled.</summary>
    Renamed,

    /// <summary>Taken out of every group, account otherwise untouched.</summary>
    Ungrouped,

    /// <summary>Deleted and restored again: no leaver at all.</summary>
    Returned,
}

/// <summary>Makes leavers of people.</summary>
public static class Leavers
{
    /// <summary>The kind at a place of a list that goes round.</summary>
    public static LeaverKind Cycle(int index) => (LeaverKind)(index % Enum.GetValues<LeaverKind>().Length);

    public static void Leave(Tenant tenant, User user, LeaverKind kind)
    {
        switch (kind)
        {
            case LeaverKind.Deleted:
                tenant.Delete(user);
                break;
            case LeaverKind.Purged:
                tenant.Delete(user);
                tenant.Purge(user);
                break;
            case LeaverKind.Disabled:
                tenant.Patch(user, "accountEnabled", JsonText.False);
                break;
            case LeaverKind.SharedMailbox:
                tenant.Patch(user, "accountEnabled", JsonText.False);
                tenant.Patch(user, "assignedLicenses", JsonText.EmptyArray);
                user.MailboxPurpose = "shared";
                break;
            case LeaverKind.LeaveDatePassed:
                tenant.Patch(user, "employeeLeaveDateTime", JsonText.Of(tenant.Now.AddDays(-20)));
                break;
            case LeaverKind.Renamed:
                tenant.Patch(user, "displayName", JsonText.Of("zz_left " + user.Text("displayName")));
                tenant.Patch(user, "department", JsonText.OfShared("Leavers"));
                break;
            case LeaverKind.Ungrouped:
                tenant.Groups.ForEach(group => tenant.RemoveMember(group, user));
                break;
            case LeaverKind.Returned:
                tenant.Delete(user);
                tenant.Restore(user);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(kind), kind, "Unknown kind of leaver.");
        }
    }
}
