using System.Diagnostics;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Rollcall.Api.Assignment.V1;
using Rollcall.Api.Notification.V1;
using Rollcall.Notification.Data;
using Rollcall.Platform;

namespace Rollcall.Notification.Mail;

/// <summary>
/// Writes mails as intents, in the transaction of the facts that ask for them. Planning is a comparison, not a reaction:
/// what is open and was never told is planned, so an event that comes late, twice or out of order changes nothing.
/// </summary>
public sealed class MailPlan(
    NotificationDbContext db,
    TenantContext tenant,
    TimeProvider clock,
    IOptions<MailOptions> options
)
{
    /// <summary>
    /// One change of a client's people or assignments at a time, on the row that the roster copy locks for itself. A
    /// person and her assignment that arrive at the same moment would not see each other, and nobody would plan the mail.
    /// </summary>
    public async Task LockAsync(Guid clientId, CancellationToken ct)
    {
        await db.Database.ExecuteSqlAsync(
            $"""
            insert into roster_version (msp_id, client_id, applied) values ({tenant.MspId}, {clientId}, 0)
            on conflict do nothing
            """,
            ct
        );
        await db.Database.ExecuteSqlAsync($"select 1 from roster_version where client_id = {clientId} for update", ct);
    }

    /// <summary>Plans the assignment mails of those among the people who have open training nobody told them of.</summary>
    public async Task AddAssignedAsync(Guid clientId, IReadOnlyCollection<Guid> userIds, CancellationToken ct)
    {
        var untold = await db
            .Tasks.Where(t =>
                t.ClientId == clientId
                && userIds.Contains(t.UserId)
                && t.State == AssignmentState.Open
                && !db.Items.Any(i =>
                    i.ClientId == clientId
                    && i.AssignmentId == t.AssignmentId
                    && i.Kind == DeliveryKind.Assigned
                    && !i.Dropped
                )
            )
            .Select(t => new MailTopic(t.UserId, t.AssignmentId, 0))
            .ToListAsync(ct);
        if (untold.Count == 0)
        {
            return;
        }

        // Whoever cannot be reached now is planned when the roster says otherwise.
        var people = await db.RosterUsersAsync(clientId, [.. untold.Select(t => t.UserId).Distinct()], ct);
        var reachable = people
            .Where(u => Recipient.Problem(u, clock.GetUtcNow()) is null)
            .Select(u => Guid.Parse(u.Id))
            .ToHashSet();
        await AddAsync(clientId, DeliveryKind.Assigned, [.. untold.Where(t => reachable.Contains(t.UserId))], ct);
    }

    /// <summary>One mail per person, or more topics for the one that still waits. A topic told before is left out.</summary>
    public async Task AddAsync(Guid clientId, DeliveryKind kind, IReadOnlyList<MailTopic> topics, CancellationToken ct)
    {
        var users = topics.Select(t => t.UserId).Distinct().Order().ToArray();
        if (users.Length == 0)
        {
            return;
        }

        var ids = users.Select(_ => Guid.CreateVersion7()).ToArray();
        var (topicUsers, assignments) = (Column(topics, t => t.UserId), Column(topics, t => t.AssignmentId));
        await db.Database.ExecuteSqlAsync(
            $"""
            with mail as (
              insert into delivery
                (msp_id, client_id, id, user_id, kind, state, gathering, reason, address, subject, planned_at, attempts)
              select {tenant.MspId}, {clientId}, n.id, n.user_id, {kind.ToString()}, 'Pending', true, '', '', '',
                {clock.GetUtcNow()}, 0
              from unnest({ids}, {users}) as n (id, user_id)
              on conflict (client_id, user_id, kind) where gathering do update set gathering = true
              returning id, user_id),
            queued as (
              insert into send_queue (msp_id, client_id, delivery_id, next_at, trace_parent)
              select {tenant.MspId}, {clientId}, id, now() + {options.Value.Gather}, {Activity.Current?.Id} from mail
              on conflict do nothing)
            insert into delivery_item (msp_id, client_id, delivery_id, assignment_id, kind, step, dropped)
            select {tenant.MspId}, {clientId}, mail.id, t.assignment_id, {kind.ToString()}, t.step, false
            from unnest({topicUsers}, {assignments}, {Column(topics, t => t.Step)}) as t (user_id, assignment_id, step)
            join mail on mail.user_id = t.user_id
            on conflict do nothing
            """,
            ct
        );
    }

    /// <summary>Has the client's held mails looked at again now: what held them may have changed.</summary>
    public Task WakeHeldAsync(Guid clientId, CancellationToken ct) =>
        db.Database.ExecuteSqlAsync(
            $"""
            update send_queue q set next_at = least(q.next_at, now())
            from delivery d
            where d.client_id = {clientId} and d.state = 'Held' and q.client_id = d.client_id and q.delivery_id = d.id
            """,
            ct
        );

    private static T[] Column<T>(IReadOnlyList<MailTopic> topics, Func<MailTopic, T> value) =>
        [.. topics.Select(value)];
}

/// <summary>What a person is to be told: an assignment, or a reminder step of it.</summary>
public sealed record MailTopic(Guid UserId, Guid AssignmentId, int Step);
