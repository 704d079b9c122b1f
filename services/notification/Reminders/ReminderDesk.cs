using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Assignment.V1;
using Rollcall.Api.Notification.V1;
using Rollcall.Notification.Data;
using Rollcall.Notification.Mail;
using Rollcall.Platform;

namespace Rollcall.Notification.Reminders;

/// <summary>Plans the reminders of one client, and says when to look again.</summary>
public sealed class ReminderDesk(NotificationDbContext db, TenantContext tenant, MailPlan plan, TimeProvider clock)
{
    private const int BatchSize = 500;

    /// <summary>The client's cadence in its zone. Inside a transaction.</summary>
    public async Task<ReminderHours> HoursAsync(Guid clientId, CancellationToken ct)
    {
        var cadence =
            await db.Cadences.AsNoTracking().SingleOrDefaultAsync(c => c.ClientId == clientId, ct)
            ?? new() { MspId = tenant.MspId, ClientId = clientId };
        var zone = await db.Clients.Where(c => c.ClientId == clientId).Select(c => c.TimeZone).SingleOrDefaultAsync(ct);
        return new(cadence, ReminderHours.Zone(zone));
    }

    /// <summary>
    /// Makes the planner look at the client at the given time at the latest. Last in its transaction: it locks the
    /// client's schedule row, without which a planner about to move it on could miss what this transaction adds.
    /// </summary>
    public Task WakeAsync(Guid clientId, DateTimeOffset at, CancellationToken ct) =>
        db.Database.ExecuteSqlAsync(
            $"""
            insert into reminder_schedule as s (msp_id, client_id, due_at) values ({tenant.MspId}, {clientId}, {at})
            on conflict (client_id) do update set due_at = least(s.due_at, excluded.due_at)
            """,
            ct
        );

    /// <summary>Has every open assignment of the client, or of the people named, looked at anew.</summary>
    public async Task ReviewAsync(Guid clientId, IReadOnlyCollection<Guid>? userIds, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        var tasks = db.Tasks.Where(t => t.ClientId == clientId && t.State == AssignmentState.Open && t.DueAt != null);
        if (userIds is not null)
        {
            tasks = tasks.Where(t => userIds.Contains(t.UserId));
        }

        if (await tasks.ExecuteUpdateAsync(s => s.SetProperty(t => t.NextReminderAt, now), ct) > 0)
        {
            await WakeAsync(clientId, now, ct);
        }
    }

    /// <summary>Plans what is due, a batch at a time, each in its own transaction.</summary>
    public async Task PlanAsync(Guid clientId, CancellationToken ct)
    {
        while (await PlanBatchAsync(clientId, ct) == BatchSize)
        {
            db.ChangeTracker.Clear();
        }
    }

    private async Task<int> PlanBatchAsync(Guid clientId, CancellationToken ct)
    {
        await using var transaction = await db.BeginAsync(ct);
        var now = clock.GetUtcNow();
        var hours = await HoursAsync(clientId, ct);
        var due = await db
            .Tasks.Where(t => t.ClientId == clientId && t.State == AssignmentState.Open && t.NextReminderAt <= now)
            .OrderBy(t => t.NextReminderAt)
            .Take(BatchSize)
            .ToListAsync(ct);
        var told = await ToldAsync(clientId, [.. due.Select(t => t.AssignmentId)], ct);

        var topics = new List<MailTopic>();
        foreach (var task in due)
        {
            var (step, next) = hours.Next(task, told.GetValueOrDefault(task.AssignmentId), now);
            task.NextReminderAt = next;
            if (step is { } days)
            {
                topics.Add(new(task.UserId, task.AssignmentId, days));
            }
        }

        await plan.AddAsync(clientId, DeliveryKind.Reminder, topics, ct);
        await db.SaveChangesAsync(ct);
        await RescheduleAsync(clientId, ct);
        await transaction.CommitAsync(ct);
        return due.Count;
    }

    /// <summary>The newest step told or planned, per assignment.</summary>
    private async Task<Dictionary<Guid, int?>> ToldAsync(Guid clientId, List<Guid> assignments, CancellationToken ct) =>
        await db
            .Items.Where(i =>
                i.ClientId == clientId
                && assignments.Contains(i.AssignmentId)
                && i.Kind == DeliveryKind.Reminder
                && !i.Dropped
            )
            .GroupBy(i => i.AssignmentId)
            .Select(g => new { g.Key, Step = (int?)g.Max(i => i.Step) })
            .ToDictionaryAsync(g => g.Key, g => g.Step, ct);

    private async Task RescheduleAsync(Guid clientId, CancellationToken ct)
    {
        await db.Database.ExecuteSqlAsync(
            $"select 1 from reminder_schedule where client_id = {clientId} for update",
            ct
        );

        // A second statement: what somebody committed while we waited for the lock is in its snapshot.
        await db.Database.ExecuteSqlAsync(
            $"""
            update reminder_schedule set lease_until = null, due_at = (
              select min(next_reminder_at) from training_task where client_id = {clientId} and state = 'Open')
            where client_id = {clientId}
            """,
            ct
        );
    }
}
