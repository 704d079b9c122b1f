using MassTransit;
using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Assignment.V1;
using Rollcall.Notification.Data;
using Rollcall.Notification.Mail;
using Rollcall.Notification.Reminders;
using Rollcall.Platform;

namespace Rollcall.Notification.Consumers;

/// <summary>Keeps each assignment's newest revision and plans the mails that tell of new ones.</summary>
public sealed class AssignmentsChangedConsumer(
    NotificationDbContext db,
    MailPlan plan,
    ReminderDesk reminders,
    TenantContext tenant
) : IConsumer<AssignmentsChanged>
{
    public async Task Consume(ConsumeContext<AssignmentsChanged> context)
    {
        var ct = context.CancellationToken;
        var clientId = Guid.Parse(context.Message.ClientId);
        var userIds = context.Message.Assignments.Select(a => Guid.Parse(a.UserId)).Distinct().ToArray();

        await plan.LockAsync(clientId, ct);
        await UpsertAsync(clientId, context.Message.Assignments, ct);
        await plan.AddAssignedAsync(clientId, userIds, ct);
        await reminders.ReviewAsync(clientId, userIds, ct);
    }

    private Task<int> UpsertAsync(Guid clientId, IReadOnlyList<Assignment> assignments, CancellationToken ct)
    {
        // One message may hold an assignment twice; an upsert may touch a row only once.
        var newest = assignments
            .GroupBy(a => a.Id, StringComparer.Ordinal)
            .Select(g => g.MaxBy(a => a.Revision)!)
            .ToList();
        return db.Database.ExecuteSqlAsync(
            $"""
            insert into training_task as t
              (msp_id, client_id, assignment_id, revision, user_id, course_title, state, opened_at, due_at)
            select {tenant.MspId}, {clientId}, a.*
            from unnest(
              {Column(newest, a => Guid.Parse(a.Id))}, {Column(newest, a => a.Revision)},
              {Column(newest, a => Guid.Parse(a.UserId))}, {Column(newest, a => a.CourseTitle)},
              {Column(newest, a => a.State.ToString())}, {Column(newest, OpenedAt)}, {Column(newest, DueAt)}) as a
            on conflict (client_id, assignment_id) do update
            set revision = excluded.revision, course_title = excluded.course_title, state = excluded.state,
              opened_at = excluded.opened_at, due_at = excluded.due_at
            where excluded.revision > t.revision
            """,
            ct
        );
    }

    private static DateTimeOffset OpenedAt(Assignment a) => a.OpenTime?.ToDateTimeOffset() ?? DateTimeOffset.UnixEpoch;

    private static DateTimeOffset? DueAt(Assignment a) => a.DueTime?.ToDateTimeOffset();

    private static T[] Column<T>(List<Assignment> rows, Func<Assignment, T> value) => [.. rows.Select(value)];
}
