using MassTransit;
using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Notification.V1;
using Rollcall.Notification.Data;
using Rollcall.Notification.Mail;
using Rollcall.Notification.Reminders;
using Rollcall.Platform;

namespace Rollcall.Notification.Consumers;

/// <summary>
/// Keeps the copy of the roster, and plans for those who can be reached now: a person may become known, come back or
/// get an address after the training was assigned.
/// </summary>
public sealed class RosterChangedConsumer(NotificationDbContext db, MailPlan plan, ReminderDesk reminders)
    : IConsumer<RosterChanged>
{
    public async Task Consume(ConsumeContext<RosterChanged> context)
    {
        var ct = context.CancellationToken;
        await db.ReceiveRosterAsync(context.Message, part => ApplyAsync(part, ct), ct);
    }

    private async Task ApplyAsync(RosterChanged part, CancellationToken ct)
    {
        var clientId = Guid.Parse(part.ClientId);
        var active = part.Users.Where(u => u.State == UserState.Active).ToList();
        var userIds = active.Select(u => Guid.Parse(u.Id)).ToArray();
        var addresses = active.Select(u => u.Mail).ToArray();

        // A mail refused at the old address says nothing about the new one.
        await db.Database.ExecuteSqlAsync(
            $"""
            update delivery_item i set dropped = true
            from delivery d
            join unnest({userIds}, {addresses}) as u (id, mail) on u.id = d.user_id and u.mail <> d.address
            where d.client_id = {clientId} and d.state = {nameof(DeliveryState.Rejected)}
              and i.client_id = d.client_id and i.delivery_id = d.id and not i.dropped
            """,
            ct
        );
        await plan.AddAssignedAsync(clientId, userIds, ct);
        await reminders.ReviewAsync(clientId, userIds, ct);
    }
}
