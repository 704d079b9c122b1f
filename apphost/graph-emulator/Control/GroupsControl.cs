using System.Text.Json;
using Rollcall.GraphEmulator.Model;
using Rollcall.GraphEmulator.Seeding;

namespace Rollcall.GraphEmulator.Control;

/// <summary>Control of groups and memberships; a member may be a user or another group.</summary>
public static class GroupsControl
{
    public static void Map(RouteGroupBuilder control)
    {
        var groups = control.MapGroup("/tenants/{t}/groups");
        groups.MapPost(
            "",
            (string t, JsonElement body, Emulation e) => TenantsControl.Locked(e.Tenant(t), x => Create(x, body))
        );
        groups.MapGet("/{g}", (string t, string g, Emulation e) => On(e, t, g, (_, _) => { }));
        groups.MapPatch(
            "/{g}",
            (string t, string g, JsonElement body, Emulation e) =>
                On(e, t, g, (x, group) => x.Patch(group, Lookup.Properties(Schema.Groups, body)))
        );
        groups.MapDelete("/{g}", (string t, string g, Emulation e) => On(e, t, g, (x, group) => x.Delete(group)));
        groups.MapPost(
            "/{g}/restore",
            (string t, string g, Emulation e) => On(e, t, g, (x, group) => x.Restore(group))
        );
        groups.MapPost("/{g}/purge", (string t, string g, Emulation e) => On(e, t, g, (x, group) => x.Purge(group)));
        groups.MapGet(
            "/{g}/members",
            (string t, string g, Emulation e) => TenantsControl.Locked(e.Tenant(t), x => Members(x.Group(g)))
        );
        groups.MapPost(
            "/{g}/members",
            (string t, string g, List<string> members, Emulation e) => On(e, t, g, (x, group) => Add(x, group, members))
        );
        groups.MapPut(
            "/{g}/members/{m}",
            (string t, string g, string m, Emulation e) => On(e, t, g, (x, group) => Add(x, group, [m]))
        );
        groups.MapDelete(
            "/{g}/members/{m}",
            (string t, string g, string m, Emulation e) => On(e, t, g, (x, group) => x.RemoveMember(group, x.Member(m)))
        );
    }

    private static IResult On(Emulation emulation, string tenantName, string groupName, Action<Tenant, Group> work) =>
        TenantsControl.Locked(
            emulation.Tenant(tenantName),
            tenant =>
            {
                var group = tenant.Group(groupName);
                work(tenant, group);
                return Truth.Of(group);
            }
        );

    /// <summary>Kind is security (default), microsoft365 or dynamic.</summary>
    private static IResult Create(Tenant tenant, JsonElement body)
    {
        var given = Lookup.Properties(Schema.Groups, body, "id", "kind", "members");
        var display = JsonText.Text(given.GetValueOrDefault("displayName")) ?? $"Group {tenant.Groups.Count + 1}";
        var properties = (body.TryGetProperty("kind", out var kind) ? kind.GetString() : "security") switch
        {
            "microsoft365" => Accounts.Unified(display, DemoTenant.Local(display.Replace(' ', '-')), tenant.Domain),
            "dynamic" => Accounts.Dynamic(display, "(user.department -ne null)"),
            "security" => Accounts.Security(display),
            var other => throw ControlException.Bad($"There is no group kind '{other}'."),
        };
        foreach (var (name, value) in given)
        {
            properties[name] = value;
        }

        var id = body.TryGetProperty("id", out var wanted) ? wanted.GetGuid() : Guid.CreateVersion7();
        if (tenant.Find(id) is not null)
        {
            throw new ControlException(409, $"Object {id} exists already.");
        }

        var group = tenant.CreateGroup(id, properties);
        Add(tenant, group, body.TryGetProperty("members", out var m) ? m.Deserialize<List<string>>()! : []);
        return Truth.Of(group);
    }

    private static void Add(Tenant tenant, Group group, IEnumerable<string> members)
    {
        foreach (var member in members)
        {
            tenant.AddMember(group, tenant.Member(member));
        }
    }

    private static IResult Members(Group group) =>
        Results.Json(
            group
                .Edges.Where(edge => edge.Live)
                .Select(edge => new
                {
                    id = edge.Member.Id,
                    type = edge.Member is User ? "user" : "group",
                    displayName = edge.Member.Text("displayName"),
                })
        );
}
