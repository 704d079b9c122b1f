namespace Rollcall.GraphEmulator.Model;

/// <summary>Changes to objects and their properties. Callers hold the tenant's gate.</summary>
public static class UserEdits
{
    public static User CreateUser(this Tenant tenant, Guid id, IReadOnlyDictionary<string, byte[]> properties)
    {
        var user = tenant.AddUser(id);
        tenant.CountActive(1);
        user.MailboxPurpose = properties.GetValueOrDefault("mail") is { } mail && mail != JsonText.Null ? "user" : null;
        tenant.Begin(user, properties);
        return user;
    }

    public static Group CreateGroup(this Tenant tenant, Guid id, IReadOnlyDictionary<string, byte[]> properties)
    {
        var group = tenant.AddGroup(id);
        tenant.Begin(group, properties);
        return group;
    }

    /// <summary>Sets properties (JSON null included); unchanged ones make no change.</summary>
    public static void Patch(this Tenant tenant, DirectoryObject target, IReadOnlyDictionary<string, byte[]> properties)
    {
        var values = (byte[]?[])target.Values.Clone();
        var mask = 0UL;
        foreach (var (name, json) in properties)
        {
            var place = target.Schema.Place(name);
            if (values[place] is { } old && old.AsSpan().SequenceEqual(json))
            {
                continue;
            }

            values[place] = json;
            mask |= 1UL << place;
        }

        if (mask != 0)
        {
            target.Values = values;
            tenant.Record(
                new()
                {
                    Target = target,
                    Mask = mask,
                    Values = values,
                }
            );
        }
    }

    public static void Patch(this Tenant tenant, DirectoryObject target, string property, byte[] json) =>
        tenant.Patch(target, new Dictionary<string, byte[]>(StringComparer.Ordinal) { [property] = json });

    public static void SetManager(this Tenant tenant, User user, User? manager)
    {
        if (user.Manager != manager)
        {
            var change = new Change
            {
                Target = user,
                Mask = Schema.Navigation,
                OldManager = user.Manager,
                NewManager = manager,
            };
            user.Manager = manager;
            tenant.Record(change);
        }
    }

    private static void Begin(
        this Tenant tenant,
        DirectoryObject target,
        IReadOnlyDictionary<string, byte[]> properties
    )
    {
        var mask = 0UL;
        foreach (var (name, json) in properties)
        {
            var place = target.Schema.Place(name);
            target.Values[place] = json;
            mask |= 1UL << place;
        }

        tenant.Record(
            new()
            {
                Target = target,
                Mask = mask,
                Values = target.Values,
                State = Existence.Active,
            }
        );
    }
}
