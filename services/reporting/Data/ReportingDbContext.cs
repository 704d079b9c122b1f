using Microsoft.EntityFrameworkCore;
using Rollcall.Platform;

namespace Rollcall.Reporting.Data;

/// <summary>
/// What the platform believed when: every fact about people, decisions and assignments with the time it was observed.
/// The history tables only ever grow; a trigger refuses anything else.
/// </summary>
public sealed class ReportingDbContext(DbContextOptions<ReportingDbContext> options) : ServiceDbContext(options)
{
    public DbSet<PersonHistory> People => Set<PersonHistory>();
    public DbSet<DecisionHistory> Decisions => Set<DecisionHistory>();
    public DbSet<AssignmentHistory> Assignments => Set<AssignmentHistory>();
    public DbSet<ClientHistory> Clients => Set<ClientHistory>();
    public DbSet<RosterHistory> RosterVersions => Set<RosterHistory>();
    public DbSet<ScopeHistory> ScopeVersions => Set<ScopeHistory>();

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        base.OnModelCreating(modelBuilder);
        modelBuilder.AddRosterReplica();
    }
}
