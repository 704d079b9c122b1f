namespace Rollcall.GraphEmulator.Model;

/// <summary>Deleting, restoring and purging, and member links. Callers hold the tenant's gate.</summary>
public static class Lifecycle
{
    /// <summary>Soft delete; a security group goes for good at once unless the tenant is set otherwise.</summary>
    public static void Delete(this Tenant tenant, DirectoryObject target)
    {
        var soft = target is User or Group { IsUnified: true } || tenant.Settings.SecurityGroupSoftDelete;
        if (!soft)
        {
            tenant.Purge(target);
        }
        else if (target.State == Existence.Active)
        {
            target.DeletedAt = tenant.Now;
            tenant.Move(target, Existence.Deleted);
        }
    }

    public static void Purge(this Tenant tenant, DirectoryObject target)
    {
        if (target.State == Existence.Purged)
        {
            return;
        }

        tenant.Move(target, Existence.Purged);

        // No removal is reported for the links of a purged object, so both copies lose them silently.
        foreach (var edge in tenant.Groups.Select(group => group.Find(target.Id)).OfType<Edge>())
        {
            edge.Live = edge.Visible = false;
        }
    }

    public static void Restore(this Tenant tenant, DirectoryObject target)
    {
        if (target.State != Existence.Deleted)
        {
            return;
        }

        target.DeletedAt = null;
        tenant.Move(target, Existence.Active);
        if (tenant.Settings.RestoreEmitsLinks)
        {
            tenant.ReportLinks(target);
        }
    }

    public static void AddMember(this Tenant tenant, Group group, DirectoryObject member) =>
        tenant.Link(group, member, on: true);

    public static void RemoveMember(this Tenant tenant, Group group, DirectoryObject member) =>
        tenant.Link(group, member, on: false);

    private static void ReportLinks(this Tenant tenant, DirectoryObject target)
    {
        foreach (var edge in tenant.Groups.Select(group => group.Find(target.Id)).OfType<Edge>().Where(e => e.Live))
        {
            tenant.Record(
                new()
                {
                    Target = edge.Group,
                    Edge = edge,
                    EdgeOn = true,
                }
            );
        }

        foreach (var user in tenant.Users.Where(user => user.Manager == target))
        {
            tenant.Record(
                new()
                {
                    Target = user,
                    Mask = Schema.Navigation,
                    NewManager = user.Manager,
                }
            );
        }
    }

    private static void Link(this Tenant tenant, Group group, DirectoryObject member, bool on)
    {
        var edge = on ? group.FindOrAdd(member) : group.Find(member.Id);
        if (edge is not null && edge.Live != on)
        {
            edge.Live = on;
            tenant.Record(
                new()
                {
                    Target = group,
                    Edge = edge,
                    EdgeOn = on,
                }
            );
        }
    }

    private static void Move(this Tenant tenant, DirectoryObject target, Existence state)
    {
        if (target is User)
        {
            tenant.CountActive((state == Existence.Active ? 1 : 0) - (target.State == Existence.Active ? 1 : 0));
        }

        target.State = state;
        tenant.Record(new() { Target = target, State = state });
    }
}
