using Microsoft.EntityFrameworkCore;
using MimeKit;
using Rollcall.Api.Notification.V1;
using Rollcall.Notification.Data;
using Rollcall.Notification.Reminders;
using Rollcall.Platform;

namespace Rollcall.Notification.Mail;

/// <summary>
/// The sender's two short transactions around the mail server, in the mail's tenant. The choice between lost and
/// doubled: SENDING is written before the server is asked, SENT after it has answered. If this process dies in between,
/// nobody knows whether the server took the mail, so the row comes back, the facts are looked at again, and it is sent
/// again under the same Message-ID, by which mail systems drop the second copy. A mail is never lost.
/// </summary>
public sealed class MailDesk(
    NotificationDbContext db,
    TenantContext tenant,
    MailComposer composer,
    IClientDirectory directory,
    ISyncHealthSource sync,
    RosterAge rosterAge,
    TimeProvider clock
)
{
    public const int LeaseSeconds = 120;

    /// <summary>Null when there is nothing to send: cancelled, held, or in another sender's hands.</summary>
    public async Task<MimeMessage?> PrepareAsync(MailTurn turn, CancellationToken ct)
    {
        var client = await FindClientAsync(turn.ClientId, ct);
        var lastSuccess = await FindLastSuccessAsync(turn, ct);

        await using var transaction = await db.BeginAsync(ct);
        if (await TakeAsync(turn, ct) is not { } delivery)
        {
            return null;
        }

        var facts = await FactsAsync(delivery, client, lastSuccess, ct);
        var message = MailCheck.Decide(facts) switch
        {
            MailVerdict.Send send => await StartAsync(delivery, facts, send, client, ct),
            MailVerdict.Cancel cancel => await CancelAsync(delivery, facts, cancel.Reason, ct),
            MailVerdict.Hold hold => await HoldAsync(delivery, turn, hold.Reason, ct),
            var verdict => throw new InvalidOperationException($"Unknown verdict {verdict}"),
        };
        await db.SaveChangesAsync(ct);
        await transaction.CommitAsync(ct);
        return message;
    }

    public async Task SettleAsync(MailTurn turn, MailOutcome outcome, CancellationToken ct)
    {
        await using var transaction = await db.BeginAsync(ct);
        var delivery = await db.Deliveries.SingleAsync(d => d.ClientId == turn.ClientId && d.Id == turn.DeliveryId, ct);
        switch (outcome)
        {
            case MailOutcome.Sent:
                delivery.State = DeliveryState.Sent;
                delivery.SentAt = clock.GetUtcNow();
                await DequeueAsync(turn.ClientId, turn.DeliveryId, ct);
                break;
            case MailOutcome.Rejected rejected:
                (delivery.State, delivery.Reason) = (DeliveryState.Rejected, rejected.Reason);
                await DequeueAsync(turn.ClientId, turn.DeliveryId, ct);
                break;
            case MailOutcome.Retry retry:
                // One that could not even be made has not been counted yet.
                delivery.Attempts += delivery.State == DeliveryState.Sending ? 0 : 1;
                (delivery.State, delivery.Reason) = (DeliveryState.Failed, retry.Reason);
                await PostponeAsync(turn, Math.Min(2 << Math.Clamp(delivery.Attempts - 1, 0, 9), 900), ct);
                break;
            default:
                throw new InvalidOperationException($"Unknown outcome {outcome}");
        }

        await db.SaveChangesAsync(ct);
        await transaction.CommitAsync(ct);
    }

    /// <summary>
    /// The mail, its queue row and itself locked; null if another sender has the row now. From here on no topic can
    /// join: a planner that came first has committed, the next one makes a new mail.
    /// </summary>
    private async Task<MailDelivery?> TakeAsync(MailTurn turn, CancellationToken ct)
    {
        var taken = await db.Database.ExecuteSqlAsync(
            $"""
            update send_queue set next_at = now() + {LeaseSeconds} * interval '1 second'
            where client_id = {turn.ClientId} and delivery_id = {turn.DeliveryId} and claim = {turn.Claim}
            """,
            ct
        );
        return taken == 0
            ? null
            : (
                await db
                    .Deliveries.FromSql(
                        $"select * from delivery where client_id = {turn.ClientId} and id = {turn.DeliveryId} for update"
                    )
                    .ToListAsync(ct)
            ).Single();
    }

    private async Task<MailFacts> FactsAsync(
        MailDelivery delivery,
        ClientInfo? client,
        DateTimeOffset? lastSuccess,
        CancellationToken ct
    )
    {
        var clientId = delivery.ClientId;
        var items = await db
            .Items.Where(i => i.ClientId == clientId && i.DeliveryId == delivery.Id && !i.Dropped)
            .ToListAsync(ct);
        var assignments = items.Select(i => i.AssignmentId).ToList();
        var tasks = await db
            .Tasks.Where(t => t.ClientId == clientId && assignments.Contains(t.AssignmentId))
            .ToDictionaryAsync(t => t.AssignmentId, ct);
        var cadence =
            await db.Cadences.SingleOrDefaultAsync(c => c.ClientId == clientId, ct)
            ?? new() { MspId = tenant.MspId, ClientId = clientId };
        return new(
            delivery.Kind,
            await db.RosterUserAsync(clientId, delivery.UserId, ct),
            [.. items.Select(i => new MailTopicFacts(i, tasks.GetValueOrDefault(i.AssignmentId)))],
            lastSuccess,
            new(cadence, ReminderHours.Zone(client?.TimeZone)),
            clock.GetUtcNow()
        );
    }

    private async Task<MimeMessage?> StartAsync(
        MailDelivery delivery,
        MailFacts facts,
        MailVerdict.Send send,
        ClientInfo? client,
        CancellationToken ct
    )
    {
        foreach (var left in facts.Topics.Except(send.Topics))
        {
            left.Item.Dropped = true;
        }

        var brand =
            await db.Brands.SingleOrDefaultAsync(b => b.MspId == tenant.MspId, ct)
            ?? DefaultBrand.Of(tenant.MspId, client?.MspDisplayName);
        var content = MailContent.From(delivery, facts, send.Topics, brand, client);
        var message = composer.Compose(content, brand);

        (delivery.State, delivery.Reason, delivery.Gathering) = (DeliveryState.Sending, "", false);
        (delivery.Address, delivery.Subject) = (content.Address, content.Heading);
        delivery.Attempts++;
        return message;
    }

    /// <summary>The topics are set free: if the reason goes away, they are planned anew.</summary>
    private async Task<MimeMessage?> CancelAsync(
        MailDelivery delivery,
        MailFacts facts,
        string reason,
        CancellationToken ct
    )
    {
        foreach (var topic in facts.Topics)
        {
            topic.Item.Dropped = true;
        }

        (delivery.State, delivery.Reason, delivery.Gathering) = (DeliveryState.Cancelled, reason, false);
        await DequeueAsync(delivery.ClientId, delivery.Id, ct);
        return null;
    }

    private async Task<MimeMessage?> HoldAsync(
        MailDelivery delivery,
        MailTurn turn,
        string reason,
        CancellationToken ct
    )
    {
        (delivery.State, delivery.Reason) = (DeliveryState.Held, reason);
        await PostponeAsync(turn, Math.Min(5 << Math.Min(turn.Claim, 6), 300), ct);
        return null;
    }

    private Task<int> PostponeAsync(MailTurn turn, int seconds, CancellationToken ct) =>
        db.Database.ExecuteSqlAsync(
            $"""
            update send_queue set next_at = now() + {seconds} * interval '1 second'
            where client_id = {turn.ClientId} and delivery_id = {turn.DeliveryId} and claim = {turn.Claim}
            """,
            ct
        );

    private Task<int> DequeueAsync(Guid clientId, Guid deliveryId, CancellationToken ct) =>
        db.SendQueue.Where(q => q.ClientId == clientId && q.DeliveryId == deliveryId).ExecuteDeleteAsync(ct);

    /// <summary>Matters to reminders only; other mails ask nobody.</summary>
    private async Task<DateTimeOffset?> FindLastSuccessAsync(MailTurn turn, CancellationToken ct)
    {
        DateTimeOffset? known;
        await using (await db.BeginAsync(ct))
        {
            var kind = await db
                .Deliveries.Where(d => d.ClientId == turn.ClientId && d.Id == turn.DeliveryId)
                .Select(d => d.Kind)
                .SingleOrDefaultAsync(ct);
            if (kind != DeliveryKind.Reminder)
            {
                return null;
            }

            known = await db
                .Health.Where(h => h.ClientId == turn.ClientId)
                .Select(h => h.LastSuccessAt)
                .SingleOrDefaultAsync(ct);
        }

        return await rosterAge.NewestAsync(turn.ClientId, known, sync, ct);
    }

    /// <summary>The client as events describe it, or as directory-sync does if its event is still under way.</summary>
    private async Task<ClientInfo?> FindClientAsync(Guid clientId, CancellationToken ct)
    {
        await using (await db.BeginAsync(ct))
        {
            var known = await db.Clients.AsNoTracking().SingleOrDefaultAsync(c => c.ClientId == clientId, ct);
            if (known is not null)
            {
                return new(known.MspId, clientId, known.DisplayName, known.TimeZone, known.MspDisplayName);
            }
        }

        return await directory.FindAsync(tenant.MspId, clientId, ct);
    }
}

/// <summary>A queue row taken by this sender.</summary>
public sealed record MailTurn(Guid MspId, Guid ClientId, Guid DeliveryId, int Claim, string? TraceParent);
