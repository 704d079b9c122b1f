using Microsoft.EntityFrameworkCore;
using Rollcall.Assignment.Data;
using Rollcall.Platform;

namespace Rollcall.Assignment.Planning;

/// <summary>
/// The client's row with the lock its caller needs. Everybody takes locks in this order: courses, client, decisions,
/// assignments, each in key order; so nobody waits in a circle.
/// </summary>
public sealed class PlannedClients(
    AssignmentDbContext db,
    TenantContext tenant,
    IClientDirectory directory,
    TimeProvider clock
)
{
    /// <summary>For planning: what paths ask for stays as it is until the commit.</summary>
    public async Task<PlannedClient> ShareAsync(Guid clientId, CancellationToken ct)
    {
        await EnsureAsync(clientId, ct);
        var rows = await db
            .Clients.FromSql(
                $"select * from client where msp_id = {tenant.MspId} and client_id = {clientId} for key share"
            )
            .AsNoTracking()
            .ToListAsync(ct);
        return rows.Single();
    }

    /// <summary>
    /// For changing what paths ask for: waits until those who plan by them have committed, then has everybody in the
    /// client planned anew.
    /// </summary>
    public async Task ReplanAsync(Guid clientId, CancellationToken ct)
    {
        await EnsureAsync(clientId, ct);
        await LockAsync(clientId, ct);
        await db
            .Clients.Where(c => c.MspId == tenant.MspId && c.ClientId == clientId)
            .ExecuteUpdateAsync(c => c.SetProperty(x => x.ReplanAfter, Guid.Empty), ct);
    }

    /// <summary>The same for every client with a path that has the course.</summary>
    public Task ReplanForCourseAsync(Guid courseId, CancellationToken ct) =>
        db.Database.ExecuteSqlAsync(
            $"""
            with affected as (
              select c.client_id from client c
              where c.msp_id = {tenant.MspId} and exists (
                select 1 from path p
                where p.msp_id = c.msp_id and p.client_id = c.client_id and {courseId} = any (p.course_ids))
              order by c.client_id for update)
            update client c set replan_after = {Guid.Empty} from affected a
            where c.msp_id = {tenant.MspId} and c.client_id = a.client_id
            """,
            ct
        );

    /// <summary>ClientChanged brings a client's row; one that has to be planned before it came asks directory-sync.</summary>
    private async Task EnsureAsync(Guid clientId, CancellationToken ct)
    {
        if (await db.Clients.AnyAsync(c => c.MspId == tenant.MspId && c.ClientId == clientId, ct))
        {
            return;
        }

        var client =
            await directory.FindAsync(tenant.MspId, clientId, ct) ?? throw AppException.NotFound("client", clientId);
        await StoreAsync(clientId, client.TimeZone, revision: 0, ct);
    }

    /// <summary>Keeps the newest zone; when it is another one, days end at other times and everybody is planned anew.</summary>
    public async Task StoreAsync(Guid clientId, string timeZone, long revision, CancellationToken ct)
    {
        await LockAsync(clientId, ct);
        var nextCycleAt = ClientClock.At(clock.GetUtcNow(), timeZone).NextYearAt;
        await db.Database.ExecuteSqlAsync(
            $"""
            insert into client as c (msp_id, client_id, time_zone, revision, next_cycle_at)
            values ({tenant.MspId}, {clientId}, {timeZone}, {revision}, {nextCycleAt})
            on conflict (msp_id, client_id) do update set
              time_zone = excluded.time_zone, revision = excluded.revision, next_cycle_at = excluded.next_cycle_at,
              replan_after = case when c.time_zone = excluded.time_zone then c.replan_after else {Guid.Empty} end
            where excluded.revision > c.revision
            """,
            ct
        );
    }

    private Task<int> LockAsync(Guid clientId, CancellationToken ct) =>
        db.Database.ExecuteSqlAsync(
            $"select 1 from client where msp_id = {tenant.MspId} and client_id = {clientId} for update",
            ct
        );
}
