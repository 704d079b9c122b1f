using System.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;

namespace Rollcall.Reporting.Data;

public static class Snapshot
{
    /// <summary>A transaction whose queries all see the same state: events that arrive meanwhile wait for the next report.</summary>
    public static Task<IDbContextTransaction> SnapshotAsync(this ReportingDbContext db, CancellationToken ct) =>
        db.Database.BeginTransactionAsync(IsolationLevel.RepeatableRead, ct);
}
