using MassTransit;
using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Directory.V1;
using Rollcall.Notification.Data;
using Rollcall.Notification.Reminders;
using Rollcall.Platform;

namespace Rollcall.Notification.Consumers;

/// <summary>Keeps what mails say of a client: names, and the zone its days are counted in.</summary>
public sealed class ClientChangedConsumer(NotificationDbContext db, ReminderDesk reminders, TenantContext tenant)
    : IConsumer<ClientChanged>
{
    public async Task Consume(ConsumeContext<ClientChanged> context)
    {
        var ct = context.CancellationToken;
        var message = context.Message;
        var clientId = Guid.Parse(message.ClientId);
        var changed = await db.Database.ExecuteSqlAsync(
            $"""
            insert into client as c (msp_id, client_id, revision, display_name, time_zone, msp_display_name)
            values ({tenant.MspId}, {clientId}, {message.Revision}, {message.DisplayName}, {message.TimeZone},
              {message.MspDisplayName})
            on conflict (client_id) do update
            set revision = excluded.revision, display_name = excluded.display_name, time_zone = excluded.time_zone,
              msp_display_name = excluded.msp_display_name
            where excluded.revision > c.revision
            """,
            ct
        );
        if (changed > 0)
        {
            await reminders.ReviewAsync(clientId, userIds: null, ct);
        }
    }
}
