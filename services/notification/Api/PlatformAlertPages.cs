using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Notification.V1;
using Rollcall.Notification.Alerts;
using Rollcall.Notification.Data;
using Rollcall.Platform;

namespace Rollcall.Notification.Api;

/// <summary>The platform's own alerts, for platform administrators. They belong to no MSP and so see no tenant's row.</summary>
public sealed class PlatformAlertPages(NotificationDbContext db, TenantContext tenant, TimeProvider clock)
{
    public async Task<ListAlertsResponse> ListAsync(ListAlertsRequest request, CancellationToken ct)
    {
        Enter(request.ClientId);
        var size = Requests.PageSize(request.PageSize);
        var before = PageToken.ReadId(request.PageToken, request);

        await using var transaction = await db.BeginAsync(ct);
        var page = await db
            .PlatformAlerts.AsNoTracking()
            .Where(a => request.State == AlertState.Unspecified || a.State == request.State)
            .Where(a => before == null || a.Id < before)
            .OrderByDescending(a => a.Id)
            .Take(size + 1)
            .ToListAsync(ct);
        var response = new ListAlertsResponse();
        foreach (var alert in page.Take(size))
        {
            response.Alerts.Add(await ToProtoAsync(alert, ct));
        }

        if (page.Count > size)
        {
            response.NextPageToken = PageToken.Write(page[size - 1].Id.ToString(), request);
        }

        return response;
    }

    public async Task<Alert> GetAsync(string clientId, Guid alertId, CancellationToken ct)
    {
        Enter(clientId);
        await using var transaction = await db.BeginAsync(ct);
        return await ToProtoAsync(await FindAsync(alertId, ct), ct);
    }

    /// <summary>Closes an alarm about events; a state that can return to normal by itself is only marked.</summary>
    public async Task<Alert> AcknowledgeAsync(string clientId, Guid alertId, CancellationToken ct)
    {
        Enter(clientId);
        await using var transaction = await db.BeginAsync(ct);
        var alert = await FindAsync(alertId, ct);
        if (alert.State == AlertState.Resolved)
        {
            throw AppException.Precondition("ALERT_RESOLVED", $"Alert {alertId} is resolved");
        }

        var now = clock.GetUtcNow();
        alert.AcknowledgedAt ??= now;
        alert.State = AlertState.Acknowledged;
        if (await AffectedAsync(alert, ct) == 0)
        {
            (alert.State, alert.ResolvedAt, alert.Resolution) = (AlertState.Resolved, now, "Acknowledged");
        }

        await db.SaveChangesAsync(ct);
        await transaction.CommitAsync(ct);
        return await ReadAsync(alert, ct);
    }

    private async Task<Alert> ReadAsync(PlatformAlert alert, CancellationToken ct)
    {
        await using var transaction = await db.BeginAsync(ct);
        return await ToProtoAsync(alert, ct);
    }

    private void Enter(string clientId)
    {
        if (Requests.OptionalId(clientId, "client_id") is { } id)
        {
            throw AppException.NotFound("client", id);
        }

        tenant.Enter(PlatformAlertBook.Nobody);
    }

    private async Task<PlatformAlert> FindAsync(Guid alertId, CancellationToken ct) =>
        await db.PlatformAlerts.SingleOrDefaultAsync(a => a.Id == alertId, ct)
        ?? throw AppException.NotFound("alert", alertId);

    private async Task<Alert> ToProtoAsync(PlatformAlert alert, CancellationToken ct) =>
        alert.ToProto(alert.State == AlertState.Resolved ? 0 : await AffectedAsync(alert, ct));

    private Task<int> AffectedAsync(PlatformAlert alert, CancellationToken ct) =>
        db.PlatformAlertSubjects.CountAsync(s => s.DedupeKey == alert.DedupeKey, ct);
}
