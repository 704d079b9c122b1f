using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Notification.V1;
using Rollcall.Api.Options.V1;
using Rollcall.Notification.Data;
using Rollcall.Platform;

namespace Rollcall.Notification.Api;

/// <summary>Clients' alerts for their MSP. A platform administrator's calls go to <see cref="PlatformAlertPages"/>.</summary>
public sealed class AlertApi(
    NotificationDbContext db,
    CallerContext caller,
    TenantContext tenant,
    PlatformAlertPages platform,
    TimeProvider clock
) : AlertService.AlertServiceBase
{
    public override async Task<ListAlertsResponse> ListAlerts(ListAlertsRequest request, ServerCallContext context)
    {
        var ct = context.CancellationToken;
        if (caller.Caller.Role == Role.PlatformAdmin)
        {
            return await platform.ListAsync(request, ct);
        }

        var size = Requests.PageSize(request.PageSize);
        var query = Visible(request.ClientId);
        if (request.State != AlertState.Unspecified)
        {
            query = query.Where(a => a.State == request.State);
        }

        if (PageToken.ReadId(request.PageToken, request) is { } before)
        {
            query = query.Where(a => a.Id < before);
        }

        await using var transaction = await db.BeginAsync(ct);
        var page = await query.AsNoTracking().OrderByDescending(a => a.Id).Take(size + 1).ToListAsync(ct);
        return new()
        {
            Alerts = { page.Take(size).Select(a => a.ToProto()) },
            NextPageToken = page.Count > size ? PageToken.Write(page[size - 1].Id.ToString(), request) : "",
        };
    }

    public override async Task<GetAlertResponse> GetAlert(GetAlertRequest request, ServerCallContext context)
    {
        var ct = context.CancellationToken;
        var alertId = Requests.Id(request.AlertId, "alert_id");
        if (caller.Caller.Role == Role.PlatformAdmin)
        {
            return new() { Alert = await platform.GetAsync(request.ClientId, alertId, ct) };
        }

        await using var transaction = await db.BeginAsync(ct);
        var alert = await FindAsync(request.ClientId, alertId, ct);
        var notes = await db
            .AlertNotes.AsNoTracking()
            .Where(n => n.ClientId == alert.ClientId && n.AlertId == alertId)
            .OrderBy(n => n.CreatedAt)
            .ThenBy(n => n.Id)
            .ToListAsync(ct);
        return new() { Alert = alert.ToProto(), Notes = { notes.Select(ToProto) } };
    }

    public override async Task<AcknowledgeAlertResponse> AcknowledgeAlert(
        AcknowledgeAlertRequest request,
        ServerCallContext context
    )
    {
        var ct = context.CancellationToken;
        var alertId = Requests.Id(request.AlertId, "alert_id");
        if (caller.Caller.Role == Role.PlatformAdmin)
        {
            return new() { Alert = await platform.AcknowledgeAsync(request.ClientId, alertId, ct) };
        }

        await using var transaction = await db.BeginAsync(ct);
        var alert = await FindAsync(request.ClientId, alertId, ct);
        if (alert.State == AlertState.Resolved)
        {
            throw AppException.Precondition("ALERT_RESOLVED", $"Alert {alertId} is resolved");
        }

        alert.State = AlertState.Acknowledged;
        alert.AcknowledgedAt ??= clock.GetUtcNow();
        await db.SaveChangesAsync(ct);
        await transaction.CommitAsync(ct);
        return new() { Alert = alert.ToProto() };
    }

    private IQueryable<ClientAlert> Visible(string clientId)
    {
        var query = db.Alerts.Where(a => a.MspId == tenant.MspId);
        if (Requests.OptionalId(clientId, "client_id") is { } one)
        {
            return query.Where(a => a.ClientId == one);
        }

        return tenant.Required.ClientIds is { } some ? query.Where(a => some.Contains(a.ClientId)) : query;
    }

    private async Task<ClientAlert> FindAsync(string clientId, Guid alertId, CancellationToken ct) =>
        await Visible(clientId).SingleOrDefaultAsync(a => a.Id == alertId, ct)
        ?? throw AppException.NotFound("alert", alertId);

    private static AlertNote ToProto(ClientAlertNote note) =>
        new()
        {
            CreateTime = note.CreatedAt.ToTimestamp(),
            Author = note.Author,
            Text = note.Text,
        };
}
