using Microsoft.EntityFrameworkCore;
using Rollcall.Platform;

namespace Rollcall.ScopeRules.Data;

public sealed class ScopeDbContext(DbContextOptions<ScopeDbContext> options) : ServiceDbContext(options)
{
    public DbSet<ClientScope> Clients => Set<ClientScope>();
    public DbSet<PolicyVersion> Policies => Set<PolicyVersion>();
    public DbSet<DecisionRow> Decisions => Set<DecisionRow>();
    public DbSet<DueEvaluation> DueEvaluations => Set<DueEvaluation>();
    public DbSet<ExceptionRow> Exceptions => Set<ExceptionRow>();
    public DbSet<ExceptionPerson> ExceptionPeople => Set<ExceptionPerson>();

    // The evaluation worker asks which client is due; the row holds times and settings, nothing about people.
    public override IReadOnlyList<string> WorkerTables => ["client_scope"];

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        base.OnModelCreating(modelBuilder);
        modelBuilder.AddRosterReplica();
    }
}
