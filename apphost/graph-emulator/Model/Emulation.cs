using System.Collections.Concurrent;

namespace Rollcall.GraphEmulator.Model;

/// <summary>Everything there is: tenants, registered applications, the clock.</summary>
public sealed class Emulation(EmulatorClock clock)
{
    public ConcurrentDictionary<Guid, Tenant> Tenants { get; } = [];
    public ConcurrentDictionary<string, AppRegistration> Apps { get; } = new(StringComparer.OrdinalIgnoreCase);
    public EmulatorClock Clock => clock;

    /// <summary>Set by whatever may have changed something; the state file is written when it is.</summary>
    public bool Touched { get; set; }

    /// <summary>What new tenants start with.</summary>
    public TenantSettings DefaultSettings { get; set; } = new();

    /// <summary>Told about each visible change of any tenant.</summary>
    public Action<Tenant, Change>? Published { get; set; }

    /// <summary>The application meant when a control call names none.</summary>
    public string? FirstApp => Apps.Keys.Order(StringComparer.OrdinalIgnoreCase).FirstOrDefault();

    public Tenant Add(Tenant tenant)
    {
        tenant.Published = (source, change) => Published?.Invoke(source, change);
        return Tenants.TryAdd(tenant.Id, tenant)
            ? tenant
            : throw new InvalidOperationException($"Tenant {tenant.Id} exists already.");
    }

    /// <summary>By id or domain, as sign-in addresses allow.</summary>
    public Tenant? Find(string idOrDomain) =>
        Guid.TryParse(idOrDomain, out var id)
            ? Tenants.GetValueOrDefault(id)
            : Tenants.Values.FirstOrDefault(t =>
                string.Equals(t.Domain, idOrDomain, StringComparison.OrdinalIgnoreCase)
            );
}
