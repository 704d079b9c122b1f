using System.Text.Json;
using Rollcall.GraphEmulator.Model;

namespace Rollcall.GraphEmulator.Control;

/// <summary>Finds what a control path names, and turns request properties into encoded values.</summary>
public static class Lookup
{
    public static Tenant Tenant(this Emulation emulation, string idOrDomain) =>
        emulation.Find(idOrDomain) ?? throw ControlException.NotFound($"Tenant {idOrDomain}");

    /// <summary>By id or userPrincipalName, in whatever state the user is.</summary>
    public static User User(this Tenant tenant, string idOrName) =>
        (Guid.TryParse(idOrName, out var id) ? tenant.Find(id) as User : ByName(tenant, idOrName))
        ?? throw ControlException.NotFound($"User {idOrName}");

    /// <summary>By id or displayName.</summary>
    public static Group Group(this Tenant tenant, string idOrName) =>
        (
            Guid.TryParse(idOrName, out var id)
                ? tenant.Find(id) as Group
                : tenant.Groups.FindLast(group =>
                    group.Text("displayName") == idOrName && group.State != Existence.Purged
                )
        ) ?? throw ControlException.NotFound($"Group {idOrName}");

    public static DirectoryObject Member(this Tenant tenant, string idOrName) =>
        Guid.TryParse(idOrName, out var id)
            ? tenant.Find(id) ?? throw ControlException.NotFound($"Object {idOrName}")
            : ByName(tenant, idOrName) ?? (DirectoryObject)tenant.Group(idOrName);

    public static ServicePrincipal Principal(this Emulation emulation, Tenant tenant, string? app) =>
        tenant.ServicePrincipals.GetValueOrDefault(emulation.App(app))
        ?? throw ControlException.NotFound($"Service principal in {tenant.Id}");

    /// <summary>The named application, or the first one configured.</summary>
    public static string App(this Emulation emulation, string? app) =>
        app ?? emulation.FirstApp ?? throw ControlException.Bad("No application is registered.");

    /// <summary>The Graph properties of a body; names that are no property of the type are an error.</summary>
    public static Dictionary<string, byte[]> Properties(
        Schema schema,
        JsonElement body,
        params ReadOnlySpan<string> others
    )
    {
        var properties = new Dictionary<string, byte[]>(StringComparer.OrdinalIgnoreCase);
        foreach (var property in body.EnumerateObject())
        {
            if (schema.Place(property.Name) >= 0)
            {
                properties[property.Name] = JsonText.Of(property.Value);
            }
            else if (!others.Contains(property.Name))
            {
                throw ControlException.Bad($"'{property.Name}' is not a property of {schema.Collection}.");
            }
        }

        return properties;
    }

    private static User? ByName(Tenant tenant, string name) =>
        tenant.Users.FindLast(user =>
            string.Equals(user.Text("userPrincipalName"), name, StringComparison.OrdinalIgnoreCase)
            && user.State != Existence.Purged
        );
}
