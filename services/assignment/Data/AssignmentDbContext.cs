using Microsoft.EntityFrameworkCore;
using Rollcall.Platform;

namespace Rollcall.Assignment.Data;

/// <summary>Courses, paths, the newest decision per person, and what follows from them: assignments.</summary>
public sealed class AssignmentDbContext(DbContextOptions<AssignmentDbContext> options) : ServiceDbContext(options)
{
    public DbSet<Course> Courses => Set<Course>();
    public DbSet<AudiencePath> Paths => Set<AudiencePath>();
    public DbSet<PlannedClient> Clients => Set<PlannedClient>();
    public DbSet<UserDecision> Decisions => Set<UserDecision>();
    public DbSet<CourseAssignment> Assignments => Set<CourseAssignment>();
    public DbSet<AssignmentAction> Actions => Set<AssignmentAction>();

    /// <summary>The planning worker has to find the clients that are due; the table holds ids, zone and times only.</summary>
    public override IReadOnlyList<string> WorkerTables => ["client"];
}
