using System.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;

namespace Rollcall.Reporting.Data;

public static class Snapshot
{
    /// <summary>
    /// A transaction whose queries all see the same state: events that arrive meanwhile wait for the next report. Reports
    /// join a whole client's rows; before the tables have statistics, as after a first sync, the planner takes them for a
    /// few and nests loops over tens of thousands (measured: 7 minutes instead of 0.2 seconds).
    /// </summary>
    public static async Task<IDbContextTransaction> SnapshotAsync(this ReportingDbContext db, CancellationToken ct)
    {
        var transaction = await db.Database.BeginTransactionAsync(IsolationLevel.RepeatableRead, ct);
        await db.Database.ExecuteSqlAsync($"set local enable_nestloop = off; set local work_mem = '32MB'", ct);
        return transaction;
    }
}
