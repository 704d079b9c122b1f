using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Assignment.V1;
using Rollcall.Assignment.Data;
using Rollcall.Assignment.Planning;
using Rollcall.Platform;

namespace Rollcall.Assignment.Actions;

/// <summary>Asks again for a course that was waived or completed: its person is planned as if it had been withdrawn.</summary>
public sealed class Reopening(
    AssignmentDbContext db,
    TenantContext tenant,
    ActionLog log,
    PlannedClients clients,
    PlanningRun planning,
    TimeProvider clock
)
{
    /// <summary>The assignment with everything planning its person needs, locked in the order planning locks it.</summary>
    public async Task<LockedPerson> LockAsync(Guid clientId, Guid assignmentId, CancellationToken ct)
    {
        var userId = (await log.FindAsync(clientId, assignmentId, ct)).UserId;
        var client = await clients.ShareAsync(clientId, ct);
        var decisions = await db
            .Decisions.FromSql(
                $"""
                select * from decision
                where msp_id = {tenant.MspId} and client_id = {clientId} and user_id = {userId} for update
                """
            )
            .AsNoTracking()
            .ToListAsync(ct);
        var rows = await db.LockAssignmentsAsync(tenant.MspId, clientId, [userId], ct);
        return new(client, decisions.Single(), rows, rows.Single(a => a.Id == assignmentId));
    }

    public async Task<List<CourseAssignment>> PlanAsync(LockedPerson person, CancellationToken ct)
    {
        if (person.Row.IsActive)
        {
            return [];
        }

        var now = ClientClock.At(clock.GetUtcNow(), person.Client.TimeZone);
        var paths = await planning.PathsAsync(person.Client.ClientId, ct);
        var undone = ProgressRules.Undo(person.Row, now.Now);
        var changes = Planner.Plan(
            person.Decision,
            paths,
            [.. person.Rows.Select(a => a.Id == undone.Id ? undone : a)],
            now
        );
        return changes.Any(a => a.Id == undone.Id && a.State == AssignmentState.Open)
            ? changes
            : throw ProgressRules.Refused(
                person.Row,
                "COURSE_NOT_ASKED_FOR",
                "is not asked for by any path of the person in this cycle"
            );
    }
}

/// <summary>A person's decision and assignments, one of which a caller wants to reopen.</summary>
public sealed record LockedPerson(
    PlannedClient Client,
    UserDecision Decision,
    List<CourseAssignment> Rows,
    CourseAssignment Row
);
