using Microsoft.EntityFrameworkCore;
using Rollcall.Notification.Data;
using Rollcall.Platform;

namespace Rollcall.Notification.Tickets;

/// <summary>
/// How far each partner has got. Acknowledgements come in any order; the cursor stops before the first event that was
/// not acknowledged, so that going on behind it never skips one. Inside a transaction.
/// </summary>
public sealed class TicketCursors(NotificationDbContext db, TenantContext tenant)
{
    public Task<long> ReadAsync(string partner, CancellationToken ct) =>
        db
            .TicketCursors.Where(c => c.MspId == tenant.MspId && c.Partner == partner)
            .Select(c => c.Sequence)
            .SingleOrDefaultAsync(ct);

    /// <returns>The cursor after the acknowledgement.</returns>
    public async Task<long> AcknowledgeAsync(string partner, long sequence, CancellationToken ct)
    {
        // The upsert locks the cursor: acknowledgements of one partner take turns.
        await db.Database.ExecuteSqlAsync(
            $"""
            insert into ticket_cursor as c (msp_id, partner, sequence) values ({tenant.MspId}, {partner}, 0)
            on conflict (msp_id, partner) do update set sequence = c.sequence
            """,
            ct
        );
        await db.Database.ExecuteSqlAsync(
            $"""
            insert into ticket_ack (msp_id, partner, sequence)
            select {tenant.MspId}, {partner}, {sequence}
            where {sequence} > (select sequence from ticket_cursor where msp_id = {tenant.MspId} and partner = {partner})
            on conflict do nothing
            """,
            ct
        );
        await db.Database.ExecuteSqlAsync(
            $"""
            with seen as (
              select c.sequence as at,
                (select min(l.sequence) from ticket_log l
                 where l.msp_id = c.msp_id and l.sequence > c.sequence and not exists (
                   select 1 from ticket_ack a
                   where a.msp_id = c.msp_id and a.partner = c.partner and a.sequence = l.sequence)) as missing,
                (select max(a.sequence) from ticket_ack a where a.msp_id = c.msp_id and a.partner = c.partner) as newest
              from ticket_cursor c where c.msp_id = {tenant.MspId} and c.partner = {partner})
            update ticket_cursor c set sequence = greatest(seen.at, least(seen.newest, seen.missing - 1))
            from seen where c.msp_id = {tenant.MspId} and c.partner = {partner}
            """,
            ct
        );
        await db.Database.ExecuteSqlAsync(
            $"""
            delete from ticket_ack a using ticket_cursor c
            where c.msp_id = {tenant.MspId} and c.partner = {partner}
              and a.msp_id = c.msp_id and a.partner = c.partner and a.sequence <= c.sequence
            """,
            ct
        );
        return await ReadAsync(partner, ct);
    }
}
