using System.Globalization;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Partner.V1;
using Rollcall.Notification.Data;
using Rollcall.Notification.Tickets;
using Rollcall.Platform;

namespace Rollcall.Notification.Api;

public sealed class TicketApi(
    NotificationDbContext db,
    CallerContext caller,
    TenantContext tenant,
    TicketWatch watch,
    IServiceScopeFactory scopes,
    TimeProvider clock
) : TicketService.TicketServiceBase
{
    public override async Task WatchTickets(
        WatchTicketsRequest request,
        IServerStreamWriter<WatchTicketsResponse> responseStream,
        ServerCallContext context
    )
    {
        if (request is { HasAfter: true, After: < 0 })
        {
            throw AppException.Invalid("after", "must not be negative");
        }

        await watch.RunAsync(
            request.HasAfter ? request.After : null,
            caller.Caller.Subject,
            TokenEnd(context),
            responseStream,
            context.CancellationToken
        );
    }

    public override async Task<AcknowledgeTicketResponse> AcknowledgeTicket(
        AcknowledgeTicketRequest request,
        ServerCallContext context
    )
    {
        var ct = context.CancellationToken;
        var clientId = Requests.Id(request.ClientId, "client_id");
        var ticketId = Requests.Id(request.TicketId, "ticket_id");
        await using (var transaction = await db.BeginAsync(ct))
        {
            var alert = await FindAsync(clientId, ticketId, ct);
            if (!await db.TicketLog.AnyAsync(t => t.ClientId == clientId && t.Sequence == request.Sequence, ct))
            {
                throw AppException.NotFound("event", request.Sequence);
            }

            Record(alert, request);
            await db.SaveChangesAsync(ct);
            await transaction.CommitAsync(ct);
        }

        return new() { Cursor = await AdvanceAsync(request.Sequence, ct) };
    }

    public override async Task<AddNoteResponse> AddNote(AddNoteRequest request, ServerCallContext context)
    {
        var ct = context.CancellationToken;
        var clientId = Requests.Id(request.ClientId, "client_id");
        var ticketId = Requests.Id(request.TicketId, "ticket_id");
        var note = new ClientAlertNote
        {
            MspId = tenant.MspId,
            ClientId = clientId,
            Id = Requests.OptionalId(request.RequestId, "request_id") ?? Guid.CreateVersion7(),
            AlertId = ticketId,
            CreatedAt = clock.GetUtcNow(),
            Author = Optional(request.Author, "author", 100),
            Text = Requests.Text(request.Text, "text", 2000),
        };

        await using var transaction = await db.BeginAsync(ct);
        await FindAsync(clientId, ticketId, ct);
        await db.Database.ExecuteSqlAsync(
            $"""
            insert into alert_note (msp_id, client_id, id, alert_id, created_at, author, text)
            values ({note.MspId}, {note.ClientId}, {note.Id}, {note.AlertId}, {note.CreatedAt}, {note.Author}, {note.Text})
            on conflict do nothing
            """,
            ct
        );
        await transaction.CommitAsync(ct);
        return new();
    }

    public override async Task<ResolveTicketResponse> ResolveTicket(
        ResolveTicketRequest request,
        ServerCallContext context
    )
    {
        var ct = context.CancellationToken;
        await using var transaction = await db.BeginAsync(ct);
        var alert = await FindAsync(
            Requests.Id(request.ClientId, "client_id"),
            Requests.Id(request.TicketId, "ticket_id"),
            ct
        );
        alert.TicketClosedAt ??= clock.GetUtcNow();
        await db.SaveChangesAsync(ct);
        await transaction.CommitAsync(ct);
        return new();
    }

    private static void Record(ClientAlert alert, AcknowledgeTicketRequest request)
    {
        if (Optional(request.ExternalTicketId, "external_ticket_id", 200) is { Length: > 0 } id)
        {
            alert.ExternalTicketId = id;
        }

        if (BrandRules.Url(request.ExternalTicketUrl, "external_ticket_url") is { Length: > 0 } url)
        {
            alert.ExternalTicketUrl = url;
        }
    }

    /// <summary>In a scope of all the token's clients: this call's own sees only the one it names, and would skip the others.</summary>
    private async Task<long> AdvanceAsync(long sequence, CancellationToken ct)
    {
        await using var scope = scopes.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<TenantContext>().Enter(new(tenant.MspId, caller.Caller.ClientIds));
        var wide = scope.ServiceProvider.GetRequiredService<NotificationDbContext>();
        var cursors = scope.ServiceProvider.GetRequiredService<TicketCursors>();
        await using var transaction = await wide.BeginAsync(ct);
        var cursor = await cursors.AcknowledgeAsync(caller.Caller.Subject, sequence, ct);
        await transaction.CommitAsync(ct);
        return cursor;
    }

    private static string Optional(string value, string field, int maxLength) =>
        value.Length == 0 ? "" : Requests.Text(value, field, maxLength);

    private async Task<ClientAlert> FindAsync(Guid clientId, Guid ticketId, CancellationToken ct) =>
        await db.Alerts.SingleOrDefaultAsync(a => a.ClientId == clientId && a.Id == ticketId && a.Ticketed, ct)
        ?? throw AppException.NotFound("ticket", ticketId);

    /// <summary>When the token ends, by the clock it was checked with. A stream must not outlive what let it in.</summary>
    private static DateTimeOffset TokenEnd(ServerCallContext context) =>
        long.TryParse(
            context.GetHttpContext().User.FindFirst("exp")?.Value,
            NumberStyles.None,
            CultureInfo.InvariantCulture,
            out var seconds
        )
            ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : DateTimeOffset.MaxValue;
}
