using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Data;
using Rollcall.GraphEmulator.Model;
using DirectoryUser = Rollcall.GraphEmulator.Model.User;
using Group = Rollcall.Api.Directory.V1.Group;
using User = Rollcall.Api.Directory.V1.User;

namespace Rollcall.DirectorySync.Tests.Model;

/// <summary>A roster, as the API shows it or as the events add up to it.</summary>
public sealed record RosterView(long Version, Dictionary<string, User> Users, Dictionary<string, Group> Groups)
{
    /// <summary>Adds up events as every consumer does: complete versions only, in order, newer revisions win.</summary>
    public static RosterView Replay(IEnumerable<RosterChanged> events)
    {
        var view = new RosterView(0, [], []);
        foreach (var version in events.GroupBy(e => e.RosterVersion).OrderBy(g => g.Key))
        {
            List<RosterChanged> parts = [.. version.DistinctBy(p => p.Part).OrderBy(p => p.Part)];
            Assert.Equal(view.Version + 1, version.Key);
            Assert.Equal(Enumerable.Range(1, parts[0].Parts), parts.Select(p => p.Part));
            foreach (var user in parts.SelectMany(p => p.Users))
            {
                Assert.Equal(version.Key, user.Revision);
                view.Users[user.Id] = user;
            }

            foreach (var group in parts.SelectMany(p => p.Groups))
            {
                Assert.Equal(version.Key, group.Revision);
                view.Groups[group.Id] = group;
            }

            view = view with { Version = version.Key };
        }

        return view;
    }
}

/// <summary>Compares a roster with the directory it stands for: the emulator's own state is the oracle.</summary>
/// <param name="scope">The group whose members are imported; null: everybody is.</param>
/// <param name="rule">Only those who sell and are no clerks are imported.</param>
public sealed class RosterCheck(
    Rollcall.GraphEmulator.Model.Tenant directory,
    RosterView roster,
    Guid? scope = null,
    bool rule = false
)
{
    private readonly Dictionary<string, User> byObject = roster.Users.Values.ToDictionary(u => u.ExternalId);

    public void IsTheDirectory()
    {
        lock (directory.Gate)
        {
            Assert.Equal(Living(), RosterLiving());
            foreach (var user in directory.Users.Where(IsImported))
            {
                Same(user, byObject[user.Id.ToString()]);
            }

            foreach (var user in directory.Users.Where(u => u.State != Existence.Active))
            {
                Gone(user);
            }

            Assert.Equal(
                Lines(directory.Groups.Where(g => g.State == Existence.Active), g => $"{g.Id} {g.Text("displayName")}"),
                Lines(roster.Groups.Values.Where(g => !g.Removed), g => $"{g.ExternalId} {g.DisplayName}")
            );
        }

        Addresses();
    }

    /// <summary>Of the living people outside the scope those are counted who never were in the roster.</summary>
    public void HasOutside(long count)
    {
        lock (directory.Gate)
        {
            var outside = directory.Users.Where(u => u.State == Existence.Active && !IsImported(u));
            Assert.Equal(outside.Count(u => !byObject.ContainsKey(u.Id.ToString())), count);
        }
    }

    private bool IsImported(DirectoryUser user) =>
        user.State == Existence.Active
        && (scope is not { } group || Closure(user).Contains(group))
        && (!rule || (Text(user, "department") == "Sales" && Text(user, "jobTitle") != "Clerk"));

    /// <summary>The stored edges between living objects.</summary>
    public void HasEdges(IEnumerable<Membership> memberships)
    {
        lock (directory.Gate)
        {
            var living = directory
                .Users.Concat<DirectoryObject>(directory.Groups)
                .Where(o => o.State == Existence.Active)
                .Select(o => o.Id)
                .ToHashSet();
            Assert.Equal(
                Lines(LiveEdges(), e => $"{e.Group.Id} {e.Member.Id}"),
                Lines(
                    memberships.Where(m => living.Contains(m.GroupObjectId) && living.Contains(m.MemberObjectId)),
                    m => $"{m.GroupObjectId} {m.MemberObjectId}"
                )
            );
        }
    }

    private IEnumerable<Edge> LiveEdges() =>
        directory
            .Groups.Where(g => g.State == Existence.Active)
            .SelectMany(g => g.Edges)
            .Where(e => e.Live && e.Member.State == Existence.Active);

    private List<string> Living() =>
        Lines(
            directory.Users.Where(IsImported),
            u => $"{u.Id} {(u.Is("accountEnabled") ? UserState.Active : UserState.Disabled)}"
        );

    private List<string> RosterLiving() =>
        Lines(
            roster.Users.Values.Where(u => u.State is UserState.Active or UserState.Disabled),
            u => $"{u.ExternalId} {u.State}"
        );

    private void Same(DirectoryUser user, User actual)
    {
        Assert.Equal(
            (Text(user, "department"), Text(user, "jobTitle"), Text(user, "employeeId"), Text(user, "userType")),
            (actual.Department, actual.JobTitle, actual.EmployeeId, actual.UserType)
        );
        Assert.Equal(Text(user, "userPrincipalName"), actual.UserPrincipalName);
        var mail = Text(user, "mail").ToLowerInvariant();
        Assert.Equal(mail.Contains('@', StringComparison.Ordinal) ? mail : "", actual.Mail);
        Assert.False(actual.StagedForRemoval);

        // A manager who left stays named until the directory names another; a living one must be right.
        var manager = user.Manager is { } m && IsImported(m) ? m.Id.ToString() : "";
        var named = actual.ManagerId.Length > 0 ? roster.Users[actual.ManagerId] : null;
        Assert.Equal(manager, named is { State: UserState.Active or UserState.Disabled } ? named.ExternalId : "");
        Assert.Equal(
            directory.Users.Count(u => u.Manager == user && IsImported(u) && u.Is("accountEnabled")),
            actual.DirectReports
        );
        Assert.Equal(
            Closure(user).Select(g => g.ToString()).Order(StringComparer.Ordinal),
            actual.GroupIds.Select(g => roster.Groups[g].ExternalId).Order(StringComparer.Ordinal)
        );
    }

    /// <summary>A full read cannot tell a purge from a deletion.</summary>
    private void Gone(DirectoryUser user)
    {
        if (byObject.TryGetValue(user.Id.ToString(), out var actual))
        {
            Assert.True(
                actual.State == UserState.Removed
                    || (actual.State == UserState.Purged && user.State == Existence.Purged),
                $"{user.Id} is {user.State} in the directory and {actual.State} in the roster"
            );
        }
    }

    private HashSet<Guid> Closure(DirectoryUser user)
    {
        var above = LiveEdges().ToLookup(e => e.Member.Id, e => e.Group.Id);
        HashSet<Guid> found = [];
        Queue<Guid> next = new([user.Id]);
        while (next.TryDequeue(out var member))
        {
            foreach (var group in above[member].Where(found.Add))
            {
                next.Enqueue(group);
            }
        }

        return found;
    }

    /// <summary>Of the living accounts with one address exactly the first may use it.</summary>
    private void Addresses()
    {
        foreach (
            var same in roster
                .Users.Values.Where(u => u.State is UserState.Active or UserState.Disabled)
                .GroupBy(u => u.Mail)
        )
        {
            var expected = same.Key.Length == 0 ? same.Select(_ => "MAIL_MISSING") : OneKeepsIt(same.Count());
            Assert.Equal(expected, same.Select(u => u.EscrowReason).Order(StringComparer.Ordinal));
        }

        static IEnumerable<string> OneKeepsIt(int count) => Enumerable.Repeat("MAIL_DUPLICATE", count - 1).Prepend("");
    }

    private static string Text(DirectoryUser user, string property) => user.Text(property) ?? "";

    private static List<string> Lines<T>(IEnumerable<T> items, Func<T, string> line) =>
        [.. items.Select(line).Order(StringComparer.Ordinal)];
}
