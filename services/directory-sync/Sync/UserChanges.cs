using System.Buffers;
using System.Text;
using System.Text.Json;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Graph;
using Rollcall.DirectorySync.Trail;

namespace Rollcall.DirectorySync.Sync;

/// <summary>What the roster knows of a Microsoft 365 user: the part a delta entry can change.</summary>
public sealed record KnownUser(
    Guid UserId,
    Guid ObjectId,
    UserState State,
    bool Staged,
    PropertySet Properties,
    Guid? Manager,
    DateTimeOffset StateAt,
    DateTimeOffset FirstSeenAt
)
{
    public string? MailboxPurpose { get; init; }
    public string Mail { get; init; } = "";
    public string EscrowReason { get; init; } = "";

    /// <summary>As suggested last.</summary>
    public AccountKind Kind { get; init; }

    /// <summary>Somebody has decided on the kind.</summary>
    public bool IsDecided { get; init; }

    /// <summary>The directory does not have the account any more; the brake holds its removal back.</summary>
    public bool IsGone { get; init; }
}

/// <summary>What an entry makes of a user. A loss is not applied here: the brake looks at all of them first.</summary>
/// <param name="Loss">The state an active person would sink to; null if the user stays.</param>
public sealed record UserChange(
    KnownUser After,
    KnownUser? Before,
    SyncAction Action,
    UserState? Loss,
    AccountKind Kind,
    string KindEvidence,
    string DisplayName,
    string Mail,
    string EscrowReason
)
{
    /// <summary>The loss is the import scope's doing: the directory still has the person.</summary>
    public bool Outside { get; init; }

    /// <summary>Why the account takes no part, if that is news.</summary>
    public string Skipped =>
        Before is null || (Before.Kind != Kind && !Before.IsDecided) ? AccountKinds.SkippedBecause(Kind) : "";

    /// <summary>Nothing has changed of what the mailbox's purpose hangs on.</summary>
    public bool SameMailbox =>
        Before is not null
        && Before.Mail == Mail
        && Array.TrueForAll(MailboxProperties, p => Before.Properties[p] == After.Properties[p]);

    /// <summary>Who has the address, and whoever else has it or had to do without, is to be found out anew.</summary>
    public bool WeighsMail =>
        Before is null
        || Before.Mail != Mail
        || Action == SyncAction.Restored
        || After.State is UserState.Removed or UserState.Purged
        || Before.EscrowReason == EscrowRules.InvalidData;

    private static readonly string[] MailboxProperties = ["accountEnabled", "assignedLicenses"];

    /// <summary>This change on top of an earlier one of the same round: its word on the state is the last.</summary>
    public UserChange On(UserChange earlier) =>
        this with
        {
            Before = earlier.Before,
            Action = earlier.Action is SyncAction.Added or SyncAction.Restored ? earlier.Action : Action,
        };

    /// <summary>[{"p","o","n"}] of the properties that differ; null for a new user.</summary>
    public string? ChangesJson()
    {
        if (Before is null)
        {
            return null;
        }

        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartArray();
            foreach (var index in Before.Properties.Differences(After.Properties))
            {
                Write(writer, EntraProperties.User[index], Before.Properties.Get(index), After.Properties.Get(index));
            }

            if (Before.Manager != After.Manager)
            {
                Write(writer, "manager", Before.Manager?.ToString(), After.Manager?.ToString());
            }

            writer.WriteEndArray();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void Write(Utf8JsonWriter writer, string property, string? before, string? after)
    {
        writer.WriteStartObject();
        writer.WriteString("p", property);
        writer.WriteString("o", before);
        writer.WriteString("n", after);
        writer.WriteEndObject();
    }
}

/// <summary>Decides what a delta entry changes. No I/O, so every case is a plain test.</summary>
public static class UserChanges
{
    /// <param name="outside">A living user of the roster whom the import scope does not cover any more.</param>
    /// <returns>Null if the entry changes nothing.</returns>
    public static UserChange? Apply(KnownUser? known, UserEntry entry, DateTimeOffset now, bool outside = false)
    {
        if (entry.Removed is { } reason)
        {
            return known is null
                ? null
                : Remove(known, reason == "deleted" ? UserState.Purged : UserState.Removed, now);
        }

        var before = known ?? Unknown(entry.ObjectId, now);
        var properties = before.Properties.With(entry.Patch);
        var manager = entry.ManagerChanged ? entry.Manager : before.Manager;
        var wanted = properties["accountEnabled"] == "false" ? UserState.Disabled : UserState.Active;
        var changed = known is null || !before.Properties.IsSame(properties) || manager != before.Manager;
        if (!changed && (outside || (wanted == before.State && !before.Staged)))
        {
            return null;
        }

        // Sinking is the brake's business; rising is believed at once.
        wanted = outside ? UserState.Removed : wanted;
        var loss = known is { State: UserState.Active } && wanted != UserState.Active ? wanted : (UserState?)null;
        var state = loss is null && !outside ? wanted : before.State;
        var after = before with
        {
            Properties = properties,
            Manager = manager,
            State = state,
            Staged = loss is not null && before.Staged,
            StateAt = state == before.State ? before.StateAt : now,
        };
        var action =
            known is null ? SyncAction.Added
            : known.State is UserState.Removed or UserState.Purged ? SyncAction.Restored
            : SyncAction.Changed;
        return Describe(after, known, action, loss) with { Outside = outside };
    }

    /// <summary>A user that a full read did not find, or a tombstone names.</summary>
    public static UserChange? Remove(KnownUser known, UserState to, DateTimeOffset now)
    {
        // A purge may follow a removal; nothing comes back from it but a restore.
        if (known.State == to || known.State == UserState.Purged)
        {
            return null;
        }

        return known.State == UserState.Active
            ? Describe(known, known, SyncAction.Removed, to)
            : Describe(
                known with
                {
                    State = to,
                    StateAt = known.State == UserState.Removed ? known.StateAt : now,
                },
                known,
                to == UserState.Purged ? SyncAction.Purged : SyncAction.Removed,
                loss: null
            );
    }

    private static UserChange Describe(KnownUser after, KnownUser? before, SyncAction action, UserState? loss)
    {
        var (kind, evidence) = AccountKinds.Suggest(after.Properties, after.MailboxPurpose);
        var mail = MailOf(after.Properties);
        return new(
            after,
            before,
            action,
            loss,
            kind,
            evidence,
            after.Properties["displayName"] ?? after.Properties["userPrincipalName"] ?? "",
            mail,
            after.Properties.Invalid.Any() ? EscrowRules.InvalidData
                : mail.Length == 0 ? EscrowRules.MailMissing
                : before is { EscrowReason: EscrowRules.MailDuplicate } && before.Mail == mail
                    ? EscrowRules.MailDuplicate
                : ""
        );
    }

    private static KnownUser Unknown(Guid objectId, DateTimeOffset now) =>
        new(
            Guid.CreateVersion7(),
            objectId,
            UserState.Unspecified,
            Staged: false,
            new(),
            Manager: null,
            StateAt: now,
            FirstSeenAt: now
        );

    private static string MailOf(PropertySet properties)
    {
        var mail = properties["mail"]?.Trim() ?? "";
        return mail.Contains('@', StringComparison.Ordinal) ? mail.ToLowerInvariant() : "";
    }
}
