using Microsoft.EntityFrameworkCore;
using Rollcall.Assignment.Data;
using Rollcall.Platform;

namespace Rollcall.Assignment.Planning;

/// <summary>Plans people whose decision rows the caller has locked: one read of what exists, one write of what changes.</summary>
public sealed class PlanningRun(AssignmentDbContext db, TenantContext tenant, TimeProvider clock)
{
    public async Task PlanAsync(PlannedClient client, IReadOnlyList<UserDecision> decisions, CancellationToken ct)
    {
        if (decisions is [])
        {
            return;
        }

        var now = ClientClock.At(clock.GetUtcNow(), client.TimeZone);
        var paths = await PathsAsync(client.ClientId, ct);
        var users = decisions.Select(d => d.UserId).ToArray();
        var existing = (await db.LockAssignmentsAsync(tenant.MspId, client.ClientId, users, ct)).ToLookup(a =>
            a.UserId
        );

        var changes = decisions.SelectMany(d => Planner.Plan(d, paths, [.. existing[d.UserId]], now)).ToList();
        await db.WriteAsync(changes, now.Now, ct);
    }

    /// <summary>The client's paths by audience.</summary>
    public async Task<Dictionary<string, PathPlan>> PathsAsync(Guid clientId, CancellationToken ct)
    {
        var paths = await db
            .Paths.AsNoTracking()
            .Where(p => p.MspId == tenant.MspId && p.ClientId == clientId)
            .ToListAsync(ct);
        var ids = paths.SelectMany(p => p.CourseIds).Distinct().ToList();
        var courses = await db
            .Courses.Where(c => c.MspId == tenant.MspId && ids.Contains(c.Id))
            .Select(c => new PathCourse(c.Id, c.Title, c.Archived))
            .ToDictionaryAsync(c => c.Id, ct);
        return paths.ToDictionary(
            p => p.Audience,
            p => new PathPlan(p.Audience, [.. p.CourseIds.Select(id => courses[id])], p.DueDays, p.Recurrence),
            StringComparer.Ordinal
        );
    }
}
