using Google.Protobuf.WellKnownTypes;
using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Assignment.V1;
using Rollcall.Assignment.Api;

namespace Rollcall.Assignment.Data;

/// <summary>The only way assignments are locked and written: many at once, in key order, with their events.</summary>
public static class AssignmentRows
{
    private const int EventSize = 500;

    public static Task<List<CourseAssignment>> LockAssignmentsAsync(
        this AssignmentDbContext db,
        Guid mspId,
        Guid clientId,
        Guid[] users,
        CancellationToken ct
    ) =>
        db
            .Assignments.FromSql(
                $"""
                select * from assignment
                where msp_id = {mspId} and client_id = {clientId} and user_id = any ({users})
                order by user_id, course_id, cycle for update
                """
            )
            .AsNoTracking()
            .ToListAsync(ct);

    /// <summary>Writes rows the caller has locked or made, each one revision on, and publishes them.</summary>
    public static async Task WriteAsync(
        this AssignmentDbContext db,
        IReadOnlyList<CourseAssignment> changes,
        DateTimeOffset now,
        CancellationToken ct
    )
    {
        if (changes is [])
        {
            return;
        }

        // The revision makes a lost update impossible even if somebody forgets the lock.
        var written = await db.Database.ExecuteSqlAsync(
            $"""
            insert into assignment as a
            select r.* from jsonb_populate_recordset(null::assignment, {RowJson.Write(changes)}::jsonb) r
            order by r.user_id, r.course_id, r.cycle
            on conflict (msp_id, client_id, user_id, course_id, cycle) do update set
              course_title = excluded.course_title, state = excluded.state, causes = excluded.causes,
              reason = excluded.reason, opened_at = excluded.opened_at, due_at = excluded.due_at,
              paused_on = excluded.paused_on, started_at = excluded.started_at, completed_at = excluded.completed_at,
              score = excluded.score, completed_after_withdrawal = excluded.completed_after_withdrawal,
              withdrawn_at = excluded.withdrawn_at, revision = excluded.revision,
              roster_version = excluded.roster_version
            where a.revision = excluded.revision - 1
            """,
            ct
        );
        if (written != changes.Count)
        {
            throw new DbUpdateConcurrencyException($"{changes.Count - written} assignments were changed meanwhile");
        }

        foreach (var part in changes.Chunk(EventSize))
        {
            db.Publish(
                new AssignmentsChanged
                {
                    MspId = part[0].MspId.ToString(),
                    ClientId = part[0].ClientId.ToString(),
                    OccurTime = now.ToTimestamp(),
                    Assignments = { part.Select(a => a.ToProto()) },
                }
            );
        }
    }
}
