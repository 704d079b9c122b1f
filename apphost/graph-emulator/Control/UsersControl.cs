using System.Text.Json;
using Rollcall.GraphEmulator.Model;
using Rollcall.GraphEmulator.Seeding;

namespace Rollcall.GraphEmulator.Control;

/// <summary>Control of people and other accounts.</summary>
public static class UsersControl
{
    private static readonly string[] Extras = ["id", "manager", "mailboxPurpose", "mailboxBlocked"];

    public static void Map(RouteGroupBuilder control)
    {
        var users = control.MapGroup("/tenants/{t}/users");
        users.MapPost(
            "",
            (string t, JsonElement body, Emulation e) => TenantsControl.Locked(e.Tenant(t), x => Create(x, body))
        );
        users.MapGet("/{u}", (string t, string u, Emulation e) => On(e, t, u, (_, _) => { }));
        users.MapPatch(
            "/{u}",
            (string t, string u, JsonElement body, Emulation e) => On(e, t, u, (x, user) => Patch(x, user, body))
        );
        users.MapDelete("/{u}", (string t, string u, Emulation e) => On(e, t, u, (x, user) => x.Delete(user)));
        users.MapPost("/{u}/restore", (string t, string u, Emulation e) => On(e, t, u, (x, user) => x.Restore(user)));
        users.MapPost("/{u}/purge", (string t, string u, Emulation e) => On(e, t, u, (x, user) => x.Purge(user)));
        users.MapPost(
            "/{u}/disable",
            (string t, string u, Emulation e) => On(e, t, u, (x, user) => Enable(x, user, on: false))
        );
        users.MapPost(
            "/{u}/enable",
            (string t, string u, Emulation e) => On(e, t, u, (x, user) => Enable(x, user, on: true))
        );
        users.MapPut(
            "/{u}/manager",
            (string t, string u, JsonElement body, Emulation e) =>
                On(e, t, u, (x, user) => SetManager(x, user, body.GetProperty("manager")))
        );
        users.MapPut(
            "/{u}/mailbox",
            (string t, string u, JsonElement body, Emulation e) => On(e, t, u, (_, user) => SetMailbox(user, body))
        );
    }

    private static IResult On(Emulation emulation, string tenantName, string userName, Action<Tenant, User> work) =>
        TenantsControl.Locked(
            emulation.Tenant(tenantName),
            tenant =>
            {
                var user = tenant.User(userName);
                work(tenant, user);
                return Truth.Of(user);
            }
        );

    private static IResult Create(Tenant tenant, JsonElement body)
    {
        var given = Lookup.Properties(Schema.Users, body, Extras);
        var id = body.TryGetProperty("id", out var wanted) ? wanted.GetGuid() : Guid.CreateVersion7();
        if (tenant.Find(id) is not null)
        {
            throw new ControlException(409, $"Object {id} exists already.");
        }

        var display = JsonText.Text(given.GetValueOrDefault("displayName")) ?? $"User {tenant.Users.Count + 1}";
        var local = DemoTenant.Local(display.Replace(' ', '.'));
        var upn = JsonText.Text(given.GetValueOrDefault("userPrincipalName")) ?? $"{local}@{tenant.Domain}";
        var words = display.Split(' ');
        var account = Accounts.Person(display, words[0], words[^1], upn.Split('@')[0], upn.Split('@')[^1]);
        account["createdDateTime"] = JsonText.Of(tenant.Now);
        foreach (var (name, value) in given)
        {
            account[name] = value;
        }

        var user = tenant.CreateUser(id, account);
        Extra(tenant, user, body);
        return Truth.Of(user);
    }

    private static void Patch(Tenant tenant, User user, JsonElement body)
    {
        tenant.Patch(user, Lookup.Properties(Schema.Users, body, Extras));
        Extra(tenant, user, body);
    }

    private static void Extra(Tenant tenant, User user, JsonElement body)
    {
        SetMailbox(user, body);
        if (body.TryGetProperty("manager", out var manager))
        {
            SetManager(tenant, user, manager);
        }
    }

    private static void Enable(Tenant tenant, User user, bool on) =>
        tenant.Patch(user, "accountEnabled", JsonText.Of(on));

    /// <summary>The manager's id or userPrincipalName, or null.</summary>
    private static void SetManager(Tenant tenant, User user, JsonElement manager) =>
        tenant.SetManager(user, manager.GetString() is { } name ? tenant.User(name) : null);

    /// <summary>Purpose as in Graph (user, shared, room, equipment, linked, others); null = no mailbox.</summary>
    private static void SetMailbox(User user, JsonElement body)
    {
        if (body.TryGetProperty("mailboxPurpose", out var purpose))
        {
            user.MailboxPurpose = purpose.GetString();
        }

        if (body.TryGetProperty("mailboxBlocked", out var blocked))
        {
            user.MailboxBlocked = blocked.GetBoolean();
        }
    }
}
