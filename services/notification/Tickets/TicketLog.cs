using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Partner.V1;
using Rollcall.Notification.Data;
using Rollcall.Platform;

namespace Rollcall.Notification.Tickets;

/// <summary>Writes what partners read, numbered without gaps, in the transaction of the alert's change.</summary>
public sealed class TicketLog(NotificationDbContext db, TenantContext tenant, TimeProvider clock)
{
    public async Task AppendAsync(ClientAlert alert, TicketState state, CancellationToken ct)
    {
        var client = await db
            .Clients.Where(c => c.ClientId == alert.ClientId)
            .Select(c => c.DisplayName)
            .SingleOrDefaultAsync(ct);
        var entry = new TicketEvent
        {
            Sequence = await NextAsync(ct),
            OccurTime = clock.GetUtcNow().ToTimestamp(),
            Ticket = ToTicket(alert, state, client ?? ""),
        };
        db.TicketLog.Add(
            new()
            {
                MspId = tenant.MspId,
                ClientId = alert.ClientId,
                Sequence = entry.Sequence,
                Body = entry.ToByteArray(),
            }
        );
    }

    /// <summary>Waits for any other transaction of the MSP that has taken a number and is not finished.</summary>
    private async Task<long> NextAsync(CancellationToken ct) =>
        (
            await db
                .Database.SqlQuery<long>(
                    $"""
                    insert into ticket_counter as c (msp_id, last) values ({tenant.MspId}, 1)
                    on conflict (msp_id) do update set last = c.last + 1
                    returning last as "Value"
                    """
                )
                .ToListAsync(ct)
        ).Single();

    private static Ticket ToTicket(ClientAlert alert, TicketState state, string client) =>
        new()
        {
            Id = alert.Id.ToString(),
            ClientId = alert.ClientId.ToString(),
            ClientDisplayName = client,
            DedupeKey = alert.DedupeKey,
            Condition = alert.Condition,
            State = state,
            Severity = (TicketSeverity)alert.Severity,
            FirstSeenTime = alert.FirstSeenAt.ToTimestamp(),
            LastSeenTime = alert.LastSeenAt.ToTimestamp(),
            Occurrences = alert.Occurrences,
            Summary = alert.Summary,
            Body = Body(alert, state),
            ExternalTicketId = alert.ExternalTicketId,
            ExternalTicketUrl = alert.ExternalTicketUrl,
        };

    private static string Body(ClientAlert alert, TicketState state)
    {
        var since = alert.FirstSeenAt.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);
        List<(string Title, string Text)> lines =
        [
            ("Over", state == TicketState.Resolved ? alert.Resolution : ""),
            ("What failed", alert.Problem is { Length: > 0 } problem ? problem : alert.Summary),
            ("Since", since),
            ("Who must act", Name(alert.Owner)),
            ("What to do", alert.Remedy),
            ("Error code", alert.ErrorCode),
        ];
        return string.Join('\n', lines.Where(l => l.Text.Length > 0).Select(l => $"{l.Title}: {l.Text}"));
    }

    private static string Name(FixOwner owner) =>
        owner switch
        {
            FixOwner.Msp => "the MSP",
            FixOwner.Client => "the client's administrator",
            FixOwner.Platform => "Rollcall",
            FixOwner.Nobody => "nobody, it is retried",
            _ => "not known yet",
        };
}
