using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Notification.V1;
using Rollcall.Api.Partner.V1;
using Rollcall.Notification.Data;
using Rollcall.Notification.Tickets;
using Rollcall.Platform;

namespace Rollcall.Notification.Alerts;

/// <summary>Opens, updates and resolves a client's alerts, and tells partners. The client's health row is locked meanwhile.</summary>
public sealed class AlertBook(NotificationDbContext db, TicketLog tickets, TenantContext tenant, TimeProvider clock)
{
    /// <summary>Trouble that comes back this soon is the same trouble: one alert and one ticket, not one per blink.</summary>
    private static readonly TimeSpan ReopenWithin = TimeSpan.FromHours(24);

    /// <summary>How long a ticket closed at the service desk is left alone while its condition lasts.</summary>
    private static readonly TimeSpan CoolOff = TimeSpan.FromHours(24);

    public async Task ApplyAsync(Guid clientId, SyncHealth health, CancellationToken ct)
    {
        if (PlatformTrouble.Of(health) is not null)
        {
            // While the fault is ours nobody can tell whether the client's own trouble is over.
            return;
        }

        var trouble = HealthTrouble.Of(health);
        var open = await db.Alerts.Where(a => a.ClientId == clientId && a.State != AlertState.Resolved).ToListAsync(ct);
        foreach (var alert in open.Where(a => a.Condition != trouble?.Condition))
        {
            await ResolveAsync(
                alert,
                trouble is null ? "Sync is healthy again" : $"It became another one: {trouble.Summary}",
                ct
            );
        }

        if (trouble is not null)
        {
            await SeeAsync(clientId, open.Find(a => a.Condition == trouble.Condition), trouble, health, ct);
        }
    }

    private async Task SeeAsync(
        Guid clientId,
        ClientAlert? open,
        HealthTrouble trouble,
        SyncHealth health,
        CancellationToken ct
    )
    {
        if (open is not null)
        {
            await UpdateAsync(open, trouble, health, ct);
        }
        else if (await FindRecentAsync(clientId, trouble.Condition, ct) is { } recent)
        {
            (recent.State, recent.ResolvedAt, recent.AcknowledgedAt) = (AlertState.Open, null, null);
            (recent.Resolution, recent.TicketClosedAt) = ("", null);
            Describe(recent, trouble, health);
            recent.Occurrences++;
            await TicketAsync(recent, TicketState.Open, ct);
        }
        else
        {
            await TicketAsync(Open(clientId, trouble, health), TicketState.Open, ct);
        }
    }

    private ClientAlert Open(Guid clientId, HealthTrouble trouble, SyncHealth health)
    {
        var now = clock.GetUtcNow();
        var alert = new ClientAlert
        {
            MspId = tenant.MspId,
            ClientId = clientId,
            Id = Guid.CreateVersion7(),
            Condition = trouble.Condition,
            State = AlertState.Open,
            Severity = trouble.Severity,
            Owner = health.Owner,
            Summary = trouble.Summary,
            Problem = health.Problem,
            Remedy = health.Remedy,
            ErrorCode = health.ErrorCode,
            FirstSeenAt = health.SinceTime?.ToDateTimeOffset() ?? now,
            LastSeenAt = now,
            Occurrences = 1,
        };
        db.Alerts.Add(alert);
        return alert;
    }

    private async Task UpdateAsync(ClientAlert alert, HealthTrouble trouble, SyncHealth health, CancellationToken ct)
    {
        var changed =
            (alert.Severity, alert.Owner, alert.Problem, alert.Remedy, alert.ErrorCode)
            != (trouble.Severity, health.Owner, health.Problem, health.Remedy, health.ErrorCode);
        if (trouble.Severity > alert.Severity)
        {
            // Whoever acknowledged it knew of something smaller.
            (alert.State, alert.AcknowledgedAt) = (AlertState.Open, null);
        }

        Describe(alert, trouble, health);
        alert.Occurrences++;

        var reopen = alert.TicketClosedAt + CoolOff <= clock.GetUtcNow();
        if (reopen)
        {
            alert.TicketClosedAt = null;
        }

        if (reopen || changed || !alert.Ticketed)
        {
            await TicketAsync(alert, reopen || !alert.Ticketed ? TicketState.Open : TicketState.Updated, ct);
        }
    }

    private async Task ResolveAsync(ClientAlert alert, string resolution, CancellationToken ct)
    {
        (alert.State, alert.ResolvedAt, alert.Resolution) = (AlertState.Resolved, clock.GetUtcNow(), resolution);
        if (alert.Ticketed)
        {
            await tickets.AppendAsync(alert, TicketState.Resolved, ct);
        }
    }

    private async Task TicketAsync(ClientAlert alert, TicketState state, CancellationToken ct)
    {
        if (alert.Ticketed || HealthTrouble.NeedsTicket(alert.Owner, alert.Severity))
        {
            alert.Ticketed = true;
            await tickets.AppendAsync(alert, state, ct);
        }
    }

    private void Describe(ClientAlert alert, HealthTrouble trouble, SyncHealth health)
    {
        (alert.Severity, alert.Owner, alert.Summary) = (trouble.Severity, health.Owner, trouble.Summary);
        (alert.Problem, alert.Remedy, alert.ErrorCode) = (health.Problem, health.Remedy, health.ErrorCode);
        alert.LastSeenAt = clock.GetUtcNow();
    }

    private Task<ClientAlert?> FindRecentAsync(Guid clientId, string condition, CancellationToken ct)
    {
        var since = clock.GetUtcNow() - ReopenWithin;
        return db
            .Alerts.Where(a => a.ClientId == clientId && a.Condition == condition && a.ResolvedAt > since)
            .OrderByDescending(a => a.Id)
            .FirstOrDefaultAsync(ct);
    }
}
