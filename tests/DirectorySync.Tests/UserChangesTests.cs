using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Graph;
using Rollcall.DirectorySync.Sync;

namespace Rollcall.DirectorySync.Tests;

public sealed class UserChangesTests
{
    private static readonly Guid Ada = Guid.CreateVersion7();
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>name, state before (null: unknown), entry, action and loss expected (null action: nothing changes).</summary>
    public static TheoryData<string, UserState?, UserEntry, SyncAction?, UserState?> Cases =>
        new()
        {
            { "unknown user is added", null, Entry(), SyncAction.Added, null },
            { "same data changes nothing", UserState.Active, Entry(), null, null },
            {
                "a new department is a change",
                UserState.Active,
                Entry(("department", "Sales")),
                SyncAction.Changed,
                null
            },
            { "null clears a property", UserState.Active, Entry(("jobTitle", null)), SyncAction.Changed, null },
            {
                "blocked sign-in is a loss, not yet a state",
                UserState.Active,
                Entry(("accountEnabled", "false")),
                SyncAction.Changed,
                UserState.Disabled
            },
            {
                "tombstone of an active user is a loss",
                UserState.Active,
                Gone("changed"),
                SyncAction.Removed,
                UserState.Removed
            },
            {
                "purge of an active user is a loss",
                UserState.Active,
                Gone("deleted"),
                SyncAction.Removed,
                UserState.Purged
            },
            {
                "tombstone of a disabled user applies at once",
                UserState.Disabled,
                Gone("changed"),
                SyncAction.Removed,
                null
            },
            { "purge after removal", UserState.Removed, Gone("deleted"), SyncAction.Purged, null },
            { "second tombstone changes nothing", UserState.Removed, Gone("changed"), null, null },
            { "tombstone of a stranger is ignored", null, Gone("deleted"), null, null },
            { "restored user comes back", UserState.Removed, Entry(), SyncAction.Restored, null },
            { "enabled again", UserState.Disabled, Entry(("accountEnabled", "true")), SyncAction.Changed, null },
        };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Apply(string name, UserState? before, UserEntry entry, SyncAction? action, UserState? loss)
    {
        var change = UserChanges.Apply(before is { } state ? Known(state) : null, entry, Now);

        Assert.True(action == change?.Action, $"{name}: {change?.Action}");
        Assert.Equal(loss, change?.Loss);
    }

    [Fact]
    public void Apply_SparseEntry_KeepsWhatItDoesNotMention()
    {
        var change = UserChanges.Apply(Known(UserState.Active), Entry(("department", "Sales")), Now);

        Assert.Equal("Engineer", change!.After.Properties["jobTitle"]);
    }

    [Fact]
    public void Apply_RenamedMailbox_IsTheSamePerson()
    {
        var known = Known(UserState.Active);

        var change = UserChanges.Apply(known, Entry(("mail", "Countess@example.com")), Now);

        Assert.Equal(known.UserId, change!.After.UserId);
        Assert.Equal("countess@example.com", change.Mail);
    }

    [Fact]
    public void Apply_NoMail_IsEscrowed()
    {
        var change = UserChanges.Apply(Known(UserState.Active), Entry(("mail", null)), Now);

        Assert.Equal("MAIL_MISSING", change!.EscrowReason);
    }

    [Fact]
    public void Apply_StagedPersonReappears_IsNoLongerStaged()
    {
        var change = UserChanges.Apply(Known(UserState.Active) with { Staged = true }, Entry(), Now);

        Assert.False(change!.After.Staged);
    }

    private static KnownUser Known(UserState state)
    {
        var properties = Properties(
            ("accountEnabled", state == UserState.Disabled ? "false" : "true"),
            ("displayName", "Ada"),
            ("surname", "Byron"),
            ("mail", "ada@example.com"),
            ("jobTitle", "Engineer")
        );
        return new(Guid.CreateVersion7(), Ada, state, Staged: false, properties, Manager: null, Now, Now);
    }

    private static UserEntry Entry(params (string Name, string? Value)[] patch) =>
        new(Ada, Removed: null, Properties(patch), ManagerChanged: false, Manager: null);

    private static UserEntry Gone(string reason) => new(Ada, reason, new(), ManagerChanged: false, Manager: null);

    private static PropertySet Properties(params (string Name, string? Value)[] values)
    {
        var set = new PropertySet();
        foreach (var (name, value) in values)
        {
            set.Set(EntraProperties.IndexOf(name), value);
        }

        return set;
    }
}
