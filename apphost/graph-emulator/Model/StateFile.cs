using System.Text.Json;

namespace Rollcall.GraphEmulator.Model;

/// <summary>
/// Keeps the directories over a restart. Change logs are not kept: a delta token at the end of its log stays good, an
/// older one is answered with a reset.
/// </summary>
public static class StateFile
{
    private sealed record SavedObject(
        Guid Id,
        Existence State,
        DateTimeOffset? DeletedAt,
        Dictionary<string, JsonElement> Values,
        Guid? Manager,
        string? MailboxPurpose,
        bool MailboxBlocked,
        List<SavedEdge>? Edges
    );

    private sealed record SavedEdge(Guid Member, bool Live);

    private sealed record SavedPrincipal(
        string ClientId,
        Guid Id,
        bool Enabled,
        bool Deleted,
        Dictionary<string, DateTimeOffset> Granted
    );

    private sealed record SavedTenant(
        Guid Id,
        string Name,
        string Domain,
        DateTimeOffset CreatedAt,
        Guid Generation,
        long UserLogEnd,
        long GroupLogEnd,
        TenantSettings Settings,
        List<SavedObject> Users,
        List<SavedObject> Groups,
        List<SavedPrincipal> Principals
    );

    private sealed record Saved(TimeSpan ClockOffset, List<SavedTenant> Tenants);

    public static void Write(Emulation emulation, string file)
    {
        var saved = new Saved(emulation.Clock.Offset, [.. emulation.Tenants.Values.Select(Save)]);
        File.WriteAllBytes(file + ".new", JsonSerializer.SerializeToUtf8Bytes(saved));
        File.Move(file + ".new", file, overwrite: true);
    }

    public static void Read(Emulation emulation, string file)
    {
        var saved = JsonSerializer.Deserialize<Saved>(File.ReadAllBytes(file))!;
        emulation.Clock.Reset();
        emulation.Clock.Advance(saved.ClockOffset);
        saved.Tenants.ForEach(tenant => emulation.Add(Load(tenant, emulation.Clock)));
    }

    private static SavedTenant Save(Tenant tenant)
    {
        lock (tenant.Gate)
        {
            // Changes still waiting to become visible would be lost to a token at the end of the log.
            var waiting = tenant.PendingCount > 0 ? 1 : 0;
            return new(
                tenant.Id,
                tenant.Name,
                tenant.Domain,
                tenant.CreatedAt,
                tenant.Generation,
                tenant.UserLog.End + waiting,
                tenant.GroupLog.End + waiting,
                tenant.Settings,
                [.. tenant.Users.Select(Save)],
                [.. tenant.Groups.Select(Save)],
                [.. tenant.ServicePrincipals.Values.Select(Save)]
            );
        }
    }

    private static SavedPrincipal Save(ServicePrincipal principal) =>
        new(principal.ClientId, principal.Id, principal.Enabled, principal.Deleted, principal.Granted);

    private static SavedObject Save(DirectoryObject target)
    {
        var user = target as User;
        var names = target.Schema.Names;
        var values = target.Values.Index().Where(value => value.Item is not null);
        return new(
            target.Id,
            target.State,
            target.DeletedAt,
            values.ToDictionary(v => names[v.Index].Value, v => JsonElement.Parse(v.Item!), StringComparer.Ordinal),
            user?.Manager?.Id,
            user?.MailboxPurpose,
            user?.MailboxBlocked ?? false,
            (target as Group)?.Edges.ConvertAll(edge => new SavedEdge(edge.Member.Id, edge.Live))
        );
    }

    private static Tenant Load(SavedTenant saved, EmulatorClock clock)
    {
        var tenant = new Tenant(saved.Id, saved.Name, saved.Domain, clock)
        {
            CreatedAt = saved.CreatedAt,
            Generation = saved.Generation,
            Settings = saved.Settings,
        };
        tenant.UserLog.Start = saved.UserLogEnd;
        tenant.GroupLog.Start = saved.GroupLogEnd;
        saved.Users.ForEach(user => Load(tenant.AddUser(user.Id), user));
        saved.Groups.ForEach(group => Load(tenant.AddGroup(group.Id), group));
        foreach (var (user, from) in tenant.Users.Zip(saved.Users).Where(pair => pair.Second.Manager is not null))
        {
            user.Manager = user.VisibleManager = tenant.Find(from.Manager!.Value) as User;
        }

        foreach (var (group, from) in tenant.Groups.Zip(saved.Groups))
        {
            foreach (var (member, live) in from.Edges ?? [])
            {
                var edge = group.FindOrAdd(tenant.Find(member)!);
                edge.Live = edge.Visible = live;
            }
        }

        tenant.CountActive(tenant.Users.Count(user => user.State == Existence.Active));
        saved.Principals.ForEach(principal => tenant.ServicePrincipals[principal.ClientId] = Load(principal));
        return tenant;
    }

    private static void Load(DirectoryObject target, SavedObject saved)
    {
        foreach (var (name, value) in saved.Values)
        {
            target.Values[target.Schema.Place(name)] = JsonText.Of(value);
        }

        target.VisibleValues = target.Values;
        target.State = target.VisibleState = saved.State;
        target.DeletedAt = saved.DeletedAt;
        if (target is User user)
        {
            (user.MailboxPurpose, user.MailboxBlocked) = (saved.MailboxPurpose, saved.MailboxBlocked);
        }
    }

    private static ServicePrincipal Load(SavedPrincipal saved)
    {
        var principal = new ServicePrincipal(saved.ClientId)
        {
            Id = saved.Id,
            Enabled = saved.Enabled,
            Deleted = saved.Deleted,
        };
        foreach (var (name, at) in saved.Granted)
        {
            principal.Granted[name] = at;
        }

        return principal;
    }
}
