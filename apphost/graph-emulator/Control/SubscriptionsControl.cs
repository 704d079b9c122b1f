using System.Text.Json;
using Rollcall.GraphEmulator.Model;
using Rollcall.GraphEmulator.Notifications;

namespace Rollcall.GraphEmulator.Control;

/// <summary>Control of change notifications: what there is, what was delivered, and how it ends.</summary>
public static class SubscriptionsControl
{
    public static void Map(RouteGroupBuilder control)
    {
        var subscriptions = control.MapGroup("/tenants/{t}/subscriptions");
        subscriptions.MapGet("", (string t, Emulation e) => TenantsControl.Locked(e.Tenant(t), List));
        subscriptions.MapDelete(
            "/{id:guid}",
            (string t, Guid id, Emulation e) => TenantsControl.Locked(e.Tenant(t), x => Vanish(x, id))
        );
        subscriptions.MapPost("/{id:guid}/lifecycle", SendLifecycle);
    }

    private static IResult List(Tenant tenant) =>
        Results.Json(
            tenant.Subscriptions.Select(one => new
            {
                id = one.Id,
                resource = one.Resource,
                changeType = one.ChangeType,
                notificationUrl = one.NotificationUrl,
                expiresAt = one.ExpiresAt,
                delivered = one.Delivered,
                failed = one.Failed,
                lost = one.Lost,
            })
        );

    /// <summary>The subscription is gone and nobody is told, as happens with users and groups.</summary>
    private static IResult Vanish(Tenant tenant, Guid id) =>
        tenant.Subscriptions.RemoveAll(one => one.Id == id) > 0
            ? Results.NoContent()
            : throw ControlException.NotFound($"Subscription {id}");

    /// <summary>Sends {"event": "reauthorizationRequired"} to the lifecycle address.</summary>
    private static IResult SendLifecycle(string t, Guid id, JsonElement body, Emulation emulation, Notifier notifier) =>
        TenantsControl.Locked(
            emulation.Tenant(t),
            tenant =>
            {
                var found =
                    tenant.Subscriptions.Find(one => one.Id == id)
                    ?? throw ControlException.NotFound($"Subscription {id}");
                return notifier.SendLifecycle(tenant, found, body.GetProperty("event").GetString()!)
                    ? Results.Accepted()
                    : throw ControlException.Bad("The subscription has no lifecycleNotificationUrl.");
            }
        );
}
