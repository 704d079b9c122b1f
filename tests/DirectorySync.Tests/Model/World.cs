using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Rollcall.GraphEmulator.Faults;
using Rollcall.GraphEmulator.Model;
using Rollcall.GraphEmulator.Seeding;
using Rollcall.GraphEmulator.SignIn;

namespace Rollcall.DirectorySync.Tests.Model;

/// <summary>A directory in the emulator, changed in place: what its administrators and Microsoft's cloud do.</summary>
public sealed class World : IDisposable
{
    private static readonly (string Name, string[] Values)[] Properties =
    [
        ("department", ["null", "\"Sales\"", "\"R&D \\u00e9\"", "\"\""]),
        ("jobTitle", ["null", "\"Nurse\"", "\"Clerk\""]),
        ("displayName", ["\"Ada\"", "\"Meeting room 1\"", "\"Bob \\\"B\\\"\""]),
        ("surname", ["null", "\"Lovelace\""]),
        ("employeeId", ["null", "\"007\""]),
        ("employeeType", ["null", "\"Contractor\"", "\"Employee\""]),
        ("userType", ["\"Guest\"", "\"Member\""]),
        ("employeeHireDate", ["null", "\"2026-02-01T00:00:00Z\"", "\"2020-06-30T22:00:00Z\""]),
        ("assignedLicenses", ["[]", "[{\"skuId\":\"x\"}]", "[{\"skuId\":\"x\"},{\"skuId\":\"y\"}]"]),
        ("onPremisesExtensionAttributes", ["{}", "{\"extensionAttribute1\":\"a\",\"extensionAttribute2\":null}"]),
        ("mail", ["null", "\"same@x.example\"", "\"SAME@x.example\"", "\"other@x.example\"", "\"none\""]),
        ("userPrincipalName", ["\"renamed@x.example\"", "\"svc-backup@x.example\"", "\"adm-x@x.example\""]),
    ];

    private readonly Emulation emulation;
    private readonly FaultSchedule faults;
    private readonly HashSet<Guid> interrupted = [];
    private readonly HashSet<Guid> seen = [];
    private readonly bool scoped;
    private readonly FakeTimeProvider clock;
    private readonly List<(string Stream, int Answer, Turn Change)> meanwhile = [];

    public World(Emulator graph, Story story)
    {
        emulation = graph.Services.GetRequiredService<Emulation>();
        faults = graph.Services.GetRequiredService<FaultSchedule>();
        var id = Guid.CreateVersion7();
        scoped = story.IsScoped;
        clock = new(emulation.Clock.GetUtcNow());
        Tenant = new(id, "Story", $"t{id:N}.example", clock, story.Seed) { Settings = story.Settings, Called = OnCall };
        emulation.Add(Tenant);
        Consent.Grant(Tenant, Emulator.ClientId, ["User.Read.All", "GroupMember.Read.All"]);
        for (var i = 0; i < story.Users; i++)
        {
            Apply(new(TurnKind.AddUser, i, story.Seed + i, 0));
        }

        for (var i = 0; i < story.Groups; i++)
        {
            Apply(new(TurnKind.AddGroup, story.Seed + i, i, i));
            Apply(new(TurnKind.AddMember, i, i, 0));
        }
    }

    public Tenant Tenant { get; }

    /// <summary>Whoever has been there, and enabled, all the time.</summary>
    public IEnumerable<Guid> ActiveThroughout => Tenant.Users.Select(u => u.Id).Where(u => !interrupted.Contains(u));

    public void Apply(Turn turn)
    {
        lock (Tenant.Gate)
        {
            Tenant.Settle();
            ApplyToUsers(turn);
            ApplyToGroups(turn);
        }

        if (turn.Kind == TurnKind.Fault)
        {
            faults.Add([turn.ToFault(Tenant.Id)]);
        }
        else if (turn.Kind == TurnKind.Meanwhile)
        {
            lock (Tenant.Gate)
            {
                meanwhile.Add(turn.ToMeanwhile());
            }
        }
        else if (turn.Kind == TurnKind.Mend)
        {
            Mend();
        }
    }

    /// <summary>Some living group; null if there is none.</summary>
    public Guid? GroupId(int choice)
    {
        lock (Tenant.Gate)
        {
            return Group(choice, Existence.Active)?.Id;
        }
    }

    /// <summary>Whom a sync that begins now will find, unless they go meanwhile.</summary>
    public HashSet<Guid> Look()
    {
        lock (Tenant.Gate)
        {
            Tenant.Settle();
            return
            [
                .. Tenant
                    .Users.Where(u => u is { State: Existence.Active, VisibleState: Existence.Active })
                    .Select(u => u.Id),
            ];
        }
    }

    /// <summary>The sync has read who was and is there.</summary>
    public void Seen(HashSet<Guid> found)
    {
        found.IntersectWith(Look());
        seen.UnionWith(found);
    }

    /// <summary>Graph works, and shows everything.</summary>
    public void Mend()
    {
        faults.Clear(Tenant.Id);
        lock (Tenant.Gate)
        {
            Tenant.Settings = Tenant.Settings with { LagMaxSeconds = 0 };
            clock.Advance(TimeSpan.FromMinutes(1));
            Tenant.Settle();
        }
    }

    /// <summary>From here on nothing happens any more.</summary>
    public void End()
    {
        Mend();
        lock (Tenant.Gate)
        {
            meanwhile.Clear();
        }
    }

    /// <summary>A second passes with each answer, and what is to happen before this one happens.</summary>
    private void OnCall(string stream)
    {
        lock (Tenant.Gate)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            for (var i = meanwhile.Count - 1; i >= 0; i--)
            {
                var (of, left, change) = meanwhile[i];
                meanwhile[i] = (of, of == stream ? left - 1 : left, change);
                if (meanwhile[i].Answer == 0)
                {
                    meanwhile.RemoveAt(i);
                    Apply(change);
                }
            }
        }
    }

    public void Dispose()
    {
        Tenant.Called = null;
        Mend();
        emulation.Tenants.TryRemove(Tenant.Id, out _);
    }

    private void ApplyToUsers(Turn turn)
    {
        switch (turn.Kind)
        {
            case TurnKind.AddUser:
                AddUser(turn);
                break;
            case TurnKind.ChangeUser when User(turn.A, Existence.Active) is { } user:
                var (name, values) = Properties[turn.B % Properties.Length];
                Tenant.Patch(user, name, System.Text.Encoding.UTF8.GetBytes(values[turn.C % values.Length]));
                break;
            case TurnKind.Disable when User(turn.A, Existence.Active) is { } user:
                interrupted.Add(user.Id);
                Tenant.Patch(user, "accountEnabled", JsonText.False);
                break;
            case TurnKind.Enable when User(turn.A, Existence.Active) is { } user:
                Tenant.Patch(user, "accountEnabled", JsonText.True);
                break;
            case TurnKind.DeleteUser when User(turn.A, Existence.Active) is { } user:
                interrupted.Add(user.Id);
                Tenant.Delete(user);
                break;
            case TurnKind.PurgeUser when User(turn.A, Existence.Deleted) is { } user:
                Tenant.Purge(user);
                break;
            case TurnKind.RestoreUser when User(turn.A, Existence.Deleted) is { } user:
                if (scoped || !seen.Contains(user.Id))
                {
                    // Deleted before anybody looked (or known by id alone), and restored long after.
                    Tenant.Patch(user, "createdDateTime", JsonText.OfShared("2020-01-01T00:00:00Z"));
                }

                Tenant.Restore(user);
                break;
            case TurnKind.SetManager when User(turn.A, Existence.Active) is { } user:
                var manager = User(turn.B, Existence.Active);
                Tenant.SetManager(user, turn.C % 3 == 0 || manager == user ? null : manager);
                break;
            case TurnKind.Lag:
                Tenant.Settings = Tenant.Settings with { LagMaxSeconds = turn.A % 3 == 0 ? 0 : turn.B % 12 };
                break;
            case TurnKind.Reset:
                Tenant.Generation = Guid.CreateVersion7();
                break;
            case TurnKind.ExpireTokens:
                Tenant.TokensValidFrom = TimeProvider.System.GetUtcNow();
                break;
        }
    }

    private void ApplyToGroups(Turn turn)
    {
        switch (turn.Kind)
        {
            case TurnKind.AddGroup:
                var display = $"Group {turn.B % 5}";
                Tenant.CreateGroup(
                    Id(Tenant.Groups.Count, 'g'),
                    (turn.A % 3) switch
                    {
                        0 => Accounts.Security(display),
                        1 => Accounts.Unified(display, $"g{Tenant.Groups.Count}", Tenant.Domain),
                        _ => Accounts.Dynamic(display, "(user.department -ne null)"),
                    }
                );
                break;
            case TurnKind.RenameGroup when Group(turn.A, Existence.Active) is { } group:
                Tenant.Patch(group, "displayName", JsonText.Of($"Renamed {turn.B}"));
                break;
            case TurnKind.DeleteGroup when Group(turn.A, Existence.Active) is { } group:
                Tenant.Delete(group);
                break;
            case TurnKind.PurgeGroup when Group(turn.A, Existence.Deleted) is { } group:
                Tenant.Purge(group);
                break;
            case TurnKind.RestoreGroup when Group(turn.A, Existence.Deleted) is { } group:
                Tenant.Restore(group);
                break;
            case TurnKind.AddMember when Group(turn.A, Existence.Active) is { } group:
                if (User(turn.B, Existence.Active) is { } member)
                {
                    Tenant.AddMember(group, member);
                }

                break;
            case TurnKind.Nest when Group(turn.A, Existence.Active) is { } group:
                if (Group(turn.B, Existence.Active) is { } inner && inner != group)
                {
                    Tenant.AddMember(group, inner);
                }

                break;
            case TurnKind.RemoveMember when Group(turn.A, Existence.Active) is { } group:
                List<Edge> edges = [.. group.Edges.Where(e => e.Live && e.Member.State == Existence.Active)];
                if (edges.Count > 0)
                {
                    Tenant.RemoveMember(group, edges[turn.B % edges.Count].Member);
                }

                break;
        }
    }

    private void AddUser(Turn turn)
    {
        var number = Tenant.Users.Count;
        var local = turn.B % 7 == 0 ? $"svc-{number}" : $"p{number}";
        var account = Accounts.Person($"Person {number}", "Given", $"Surname{number}", local, Tenant.Domain);
        if (turn.B % 5 == 0)
        {
            account.With(("mail", turn.C % 2 == 0 ? "same@x.example" : null));
        }

        if (turn.C % 6 == 1)
        {
            account["accountEnabled"] = JsonText.False;
            interrupted.Add(Id(number, 'u'));
        }

        var user = Tenant.CreateUser(Id(number, 'u'), account);
        if (turn.A % 3 == 1 && User(turn.B, Existence.Active) is { } manager && manager != user)
        {
            Tenant.SetManager(user, manager);
        }
    }

    private User? User(int choice, Existence state)
    {
        List<User> users = [.. Tenant.Users.Where(u => u.State == state)];
        return users.Count == 0 ? null : users[choice % users.Count];
    }

    private Group? Group(int choice, Existence state)
    {
        List<Group> groups = [.. Tenant.Groups.Where(g => g.State == state)];
        return groups.Count == 0 ? null : groups[choice % groups.Count];
    }

    /// <summary>The same in every replay.</summary>
    private static Guid Id(int number, char kind) => new(number + 1, (short)kind, 0x4000, [0x80, 0, 0, 0, 0, 0, 0, 1]);
}
