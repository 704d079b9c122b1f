using Microsoft.EntityFrameworkCore;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Data;

/// <summary>Clients, connections, rosters and the history of their syncs.</summary>
public sealed class DirectoryDbContext(DbContextOptions<DirectoryDbContext> options) : ServiceDbContext(options)
{
    public DbSet<Msp> Msps => Set<Msp>();
    public DbSet<Client> Clients => Set<Client>();
    public DbSet<Connection> Connections => Set<Connection>();
    public DbSet<ConsentRequest> ConsentRequests => Set<ConsentRequest>();
    public DbSet<ClientSync> ClientSyncs => Set<ClientSync>();
    public DbSet<ClientHealth> Healths => Set<ClientHealth>();
    public DbSet<SyncRunRow> SyncRuns => Set<SyncRunRow>();
    public DbSet<SyncEventRow> SyncEvents => Set<SyncEventRow>();
    public DbSet<SyncPreviewRow> SyncPreviews => Set<SyncPreviewRow>();
    public DbSet<EscrowRow> Escrows => Set<EscrowRow>();
    public DbSet<DirectoryUser> Users => Set<DirectoryUser>();
    public DbSet<OutsideUser> OutsideUsers => Set<OutsideUser>();
    public DbSet<ImportMatch> ImportMatches => Set<ImportMatch>();
    public DbSet<DirectoryGroup> Groups => Set<DirectoryGroup>();
    public DbSet<Membership> Memberships => Set<Membership>();
    public DbSet<StagedRemovalRow> StagedRemovals => Set<StagedRemovalRow>();
    public DbSet<StagedPage> StagedPages => Set<StagedPage>();
    public DbSet<GraphSubscription> GraphSubscriptions => Set<GraphSubscription>();

    /// <summary>
    /// The scheduler claims due clients of every MSP, and a notification says neither MSP nor client; the rows hold no
    /// personal data. Housekeeping says when a daily job is due.
    /// </summary>
    public override IReadOnlyList<string> WorkerTables => ["client_sync", "graph_subscription", "housekeeping"];
}
