using System.Globalization;
using Rollcall.GraphEmulator.Model;

namespace Rollcall.GraphEmulator.Seeding;

/// <summary>Random ordinary changes to a tenant; the same seed makes the same ones.</summary>
public sealed class Churn(Tenant tenant, int seed)
{
    private readonly Random random = new(seed);
    private readonly Generator people = new(tenant, seed);
    private readonly List<User> deleted = tenant.Users.FindAll(user => user.State == Existence.Deleted);
    private readonly List<Group> groups = tenant.Groups.FindAll(group => group.State == Existence.Active);

    /// <summary>Makes the changes; with removals, about one in twelve deletes, purges, disables or restores somebody.</summary>
    public void Make(int changes, bool removals)
    {
        for (var number = 0; number < changes; number++)
        {
            MakeOne(removals ? random.Next(12) : random.Next(8), number);
        }
    }

    private void MakeOne(int dice, int number)
    {
        var user = Active();
        switch (dice)
        {
            case 0:
                Join();
                break;
            case 1 or 2:
                tenant.Patch(user, "department", JsonText.OfShared($"Department {random.Next(30)}"));
                break;
            case 3:
                tenant.Patch(
                    user,
                    "jobTitle",
                    random.Next(3) == 0 ? JsonText.Null : JsonText.OfShared($"Title {random.Next(30)}")
                );
                break;
            case 4:
                tenant.SetManager(user, random.Next(4) == 0 ? null : Other(user));
                break;
            case 5 or 6:
                Relink(user);
                break;
            case 7:
                tenant.Patch(user, "mobilePhone", JsonText.Of(number.ToString(CultureInfo.InvariantCulture)));
                break;
            case 8:
                tenant.Patch(user, "accountEnabled", JsonText.Of(!user.Is("accountEnabled")));
                break;
            case 9:
                tenant.Delete(user);
                deleted.Add(user);
                break;
            case 10 when deleted.Count > 0:
                tenant.Restore(Taken(0));
                break;
            case 11 when deleted.Count > 0:
                tenant.Purge(Taken(deleted.Count - 1));
                break;
            default:
                break;
        }
    }

    private void Relink(User user)
    {
        if (groups.Count == 0)
        {
            return;
        }

        var group = groups[random.Next(groups.Count)];
        DirectoryObject member = random.Next(20) == 0 ? groups[random.Next(groups.Count)] : user;
        if (group.Find(member.Id)?.Live == true)
        {
            tenant.RemoveMember(group, member);
        }
        else if (member != group)
        {
            tenant.AddMember(group, member);
        }
    }

    private User Taken(int index)
    {
        var user = deleted[index];
        deleted.RemoveAt(index);
        return user;
    }

    private User? Other(User user) => Active() is var other && other == user ? null : other;

    private User Active()
    {
        for (var tries = 0; tries < 1000; tries++)
        {
            if (tenant.Users[random.Next(tenant.Users.Count)] is { State: Existence.Active } user)
            {
                return user;
            }
        }

        return Join();
    }

    /// <summary>An account made just now; an older one that shows up late has come back from the deleted.</summary>
    private User Join()
    {
        var user = people.AddUser(tenant.Users.Count);
        tenant.Patch(user, "createdDateTime", JsonText.Of(tenant.Now));
        return user;
    }
}
