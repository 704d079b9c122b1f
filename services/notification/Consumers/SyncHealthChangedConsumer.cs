using MassTransit;
using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Directory.V1;
using Rollcall.Notification.Alerts;
using Rollcall.Notification.Data;
using Rollcall.Notification.Mail;
using Rollcall.Platform;

namespace Rollcall.Notification.Consumers;

/// <summary>Keeps a client's newest health and turns it into alerts: raised when it leaves healthy, resolved when it is back.</summary>
public sealed class SyncHealthChangedConsumer(
    NotificationDbContext db,
    AlertBook alerts,
    PlatformAlertBook platformAlerts,
    MailPlan plan,
    TenantContext tenant
) : IConsumer<SyncHealthChanged>
{
    public async Task Consume(ConsumeContext<SyncHealthChanged> context)
    {
        var ct = context.CancellationToken;
        var clientId = Guid.Parse(context.Message.ClientId);
        if (!await KeepAsync(clientId, context.Message, ct))
        {
            return;
        }

        var health = context.Message.Health;
        var ours = PlatformTrouble.Of(health);
        foreach (var key in PlatformTrouble.HealthKeys)
        {
            // One alert for all clients, and nothing any MSP could do.
            await (
                ours?.DedupeKey == key
                    ? platformAlerts.RaiseAsync(ours, clientId, ct)
                    : platformAlerts.ClearAsync(key, clientId, ct)
            );
        }

        await alerts.ApplyAsync(clientId, health, ct);
        await plan.WakeHeldAsync(clientId, ct);
    }

    /// <summary>False if something newer is known. Locks the row, so that one health of a client is worked on at a time.</summary>
    private async Task<bool> KeepAsync(Guid clientId, SyncHealthChanged message, CancellationToken ct)
    {
        var success = message.Health.LastSuccessTime?.ToDateTimeOffset();
        return await db.Database.ExecuteSqlAsync(
                $"""
                insert into client_health as h (msp_id, client_id, revision, state, last_success_at)
                values ({tenant.MspId}, {clientId}, {message.Revision}, {message.Health.State.ToString()}, {success})
                on conflict (client_id) do update
                set revision = excluded.revision, state = excluded.state,
                  last_success_at = greatest(h.last_success_at, excluded.last_success_at)
                where excluded.revision > h.revision
                """,
                ct
            ) > 0;
    }
}
