using Microsoft.EntityFrameworkCore;
using Rollcall.Assignment.Data;
using Rollcall.Platform;

namespace Rollcall.Assignment.Actions;

/// <summary>
/// Applies what callers do to assignments. A row is locked before it is looked at, so that planning and callers never
/// overwrite each other; a request is kept with what it did, so that repeating it does nothing.
/// </summary>
public sealed class ActionLog(AssignmentDbContext db, TenantContext tenant, TimeProvider clock)
{
    public async Task<CourseAssignment> FindAsync(Guid clientId, Guid assignmentId, CancellationToken ct) =>
        await db
            .Assignments.AsNoTracking()
            .SingleOrDefaultAsync(a => a.MspId == tenant.MspId && a.ClientId == clientId && a.Id == assignmentId, ct)
        ?? throw AppException.NotFound("assignment", assignmentId);

    public async Task<CourseAssignment> LockAsync(Guid clientId, Guid assignmentId, CancellationToken ct)
    {
        var rows = await db
            .Assignments.FromSql(
                $"""
                select * from assignment
                where msp_id = {tenant.MspId} and client_id = {clientId} and id = {assignmentId} for update
                """
            )
            .AsNoTracking()
            .ToListAsync(ct);
        return rows.SingleOrDefault() ?? throw AppException.NotFound("assignment", assignmentId);
    }

    /// <summary>All cycles of a person's course.</summary>
    public Task<List<CourseAssignment>> LockCourseAsync(
        Guid clientId,
        Guid userId,
        Guid courseId,
        CancellationToken ct
    ) =>
        db
            .Assignments.FromSql(
                $"""
                select * from assignment
                where msp_id = {tenant.MspId} and client_id = {clientId} and user_id = {userId} and course_id = {courseId}
                order by cycle for update
                """
            )
            .AsNoTracking()
            .ToListAsync(ct);

    /// <summary>Records the action on a locked row and writes what changes; a repeated request changes nothing.</summary>
    /// <returns>The assignment as it is now: the one the first such request was about.</returns>
    public async Task<CourseAssignment> ApplyAsync(
        AssignmentAction action,
        CourseAssignment row,
        Func<Task<List<CourseAssignment>>> change,
        CancellationToken ct
    )
    {
        if (await FindRepeatedAsync(action, ct) is { } first)
        {
            return await FindAsync(action.ClientId, first.AssignmentId, ct);
        }

        var changes = (await change()).Where(a => !a.SameAs(row)).ToList();
        if (changes.Count > 0 || action.RequestId is not null)
        {
            db.Actions.Add(action);
        }

        await db.WriteAsync(changes, clock.GetUtcNow(), ct);
        await SaveAsync(ct);
        return changes.SingleOrDefault(a => a.Id == row.Id) ?? row;
    }

    private async Task<AssignmentAction?> FindRepeatedAsync(AssignmentAction action, CancellationToken ct) =>
        action.RequestId is not { } requestId
            ? null
            : await db
                .Actions.AsNoTracking()
                .SingleOrDefaultAsync(
                    a => a.MspId == tenant.MspId && a.ClientId == action.ClientId && a.RequestId == requestId,
                    ct
                );

    private async Task SaveAsync(CancellationToken ct)
    {
        try
        {
            await db.SaveChangesAsync(ct);
        }
        catch (DbUpdateException e) when (e.IsUniqueViolation())
        {
            // The same request at the same time about another assignment; when retried it finds the first.
            throw new DbUpdateConcurrencyException("The request is being handled", e);
        }
    }
}
