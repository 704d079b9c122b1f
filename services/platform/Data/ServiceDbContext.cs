using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using Rollcall.Api;

namespace Rollcall.Platform;

/// <summary>A service's database, with the outbox and inbox every service has.</summary>
public abstract class ServiceDbContext(DbContextOptions options) : DbContext(options)
{
    public DbSet<OutboxMessage> Outbox => Set<OutboxMessage>();
    public DbSet<InboxMessage> Inbox => Set<InboxMessage>();

    /// <summary>
    /// Tables the worker role (dispatcher, scheduler) may read and write across tenants, beside outbox and inbox. Each
    /// entry needs a reason: it is a hole in the wall between tenants.
    /// </summary>
    public virtual IReadOnlyList<string> WorkerTables => [];

    /// <summary>True once this context has written an event; the dispatcher is woken after the commit.</summary>
    public bool HasPublished { get; private set; }

    /// <summary>
    /// Opens the transaction every read and write needs; the tenant of the unit of work is set on it. Leaving without
    /// CommitAsync rolls back.
    /// </summary>
    public Task<IDbContextTransaction> BeginAsync(CancellationToken ct) => Database.BeginTransactionAsync(ct);

    /// <summary>Publishes the event once SaveChanges has committed.</summary>
    public void Publish(ITenantEvent message) => Publish([OutboxMessage.Of(message)]);

    /// <summary>The same for many, put into words before.</summary>
    public void Publish(IEnumerable<OutboxMessage> messages)
    {
        HasPublished = true;
        Outbox.AddRange(messages);
    }

    protected override void OnModelCreating(ModelBuilder modelBuilder) =>
        modelBuilder
            .ApplyConfiguration(new OutboxMessageConfiguration())
            .ApplyConfiguration(new DeadOutboxMessageConfiguration())
            .ApplyConfiguration(new InboxMessageConfiguration())
            .ApplyConfigurationsFromAssembly(GetType().Assembly);
}
