using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Rollcall.Api.Partner.V1;
using Rollcall.Notification.Data;
using Rollcall.Platform;

namespace Rollcall.Notification.Tickets;

/// <summary>
/// One partner's stream of ticket events. Holds no transaction while it waits. It ends when the token does or the
/// service stops; the partner comes back and goes on behind the last event it handled.
/// </summary>
public sealed class TicketWatch(
    NotificationDbContext db,
    TicketCursors cursors,
    TenantContext tenant,
    IOptions<TicketOptions> options,
    IHostApplicationLifetime lifetime
)
{
    private const int PageSize = 100;

    /// <summary>Tokens and silence are measured by the machine's clock, whatever the development clock says.</summary>
    private static readonly TimeProvider Machine = TimeProvider.System;

    public async Task RunAsync(
        long? after,
        string partner,
        DateTimeOffset tokenEnd,
        IServerStreamWriter<WatchTicketsResponse> responses,
        CancellationToken ct
    )
    {
        var last = after ?? await StartAsync(partner, ct);
        var silentSince = Machine.GetTimestamp();
        while (!ct.IsCancellationRequested)
        {
            EndIfDue(tokenEnd);
            var page = await ReadAsync(last, ct);
            foreach (var entry in page)
            {
                await responses.WriteAsync(new() { Event = entry }, ct);
                last = entry.Sequence;
                silentSince = Machine.GetTimestamp();
            }

            if (page.Count == PageSize)
            {
                continue;
            }

            if (Machine.GetElapsedTime(silentSince) >= options.Value.Heartbeat)
            {
                await responses.WriteAsync(new() { Heartbeat = new() { Sequence = last } }, ct);
                silentSince = Machine.GetTimestamp();
            }

            await Task.Delay(options.Value.Poll, ct);
        }
    }

    private void EndIfDue(DateTimeOffset tokenEnd)
    {
        if (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            throw new AppException(StatusCode.Unavailable, "SERVICE_STOPPING", "The service stops; watch again");
        }

        if (Machine.GetUtcNow() >= tokenEnd)
        {
            throw new AppException(StatusCode.Unauthenticated, "TOKEN_EXPIRED", "Watch again with a new token");
        }
    }

    private async Task<long> StartAsync(string partner, CancellationToken ct)
    {
        await using var transaction = await db.BeginAsync(ct);
        return await cursors.ReadAsync(partner, ct);
    }

    private async Task<List<TicketEvent>> ReadAsync(long after, CancellationToken ct)
    {
        await using var transaction = await db.BeginAsync(ct);
        var bodies = await db
            .TicketLog.Where(t => t.MspId == tenant.MspId && t.Sequence > after)
            .Where(t => tenant.Required.ClientIds == null || tenant.Required.ClientIds.Contains(t.ClientId))
            .OrderBy(t => t.Sequence)
            .Take(PageSize)
            .Select(t => t.Body)
            .ToListAsync(ct);
        return [.. bodies.Select(TicketEvent.Parser.ParseFrom)];
    }
}
