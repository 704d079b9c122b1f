using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Rollcall.DirectorySync.Data;

/// <summary>
/// A wanted subscription to change notifications of one client's directory, and the work on it: who holds it, until
/// when, and how far it got. All times are the database's. No personal data, so that a worker may see every tenant's.
/// </summary>
public sealed class GraphSubscription
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }

    /// <summary>users or groups.</summary>
    public required string Resource { get; init; }
    public required Guid DirectoryTenantId { get; set; }

    /// <summary>False once disconnected: to be deleted at Graph, then here.</summary>
    public required bool Wanted { get; set; }

    /// <summary>Graph's id; null while there is none.</summary>
    public Guid? SubscriptionId { get; set; }

    /// <summary>Hash of the clientState that genuine notifications carry; the secret itself is known to Graph alone.</summary>
    public byte[]? SecretHash { get; set; }
    public string? NotificationUrl { get; set; }
    public DateTimeOffset? ExpiresAt { get; set; }

    /// <summary>When it needs work. While leased it is the end of the lease.</summary>
    public DateTimeOffset DueAt { get; set; }
    public long Fence { get; set; }
    public int Failures { get; set; }

    /// <summary>Code of the last failure; empty when all is well.</summary>
    public string Problem { get; set; } = "";
}

internal sealed class GraphSubscriptionConfiguration : IEntityTypeConfiguration<GraphSubscription>
{
    public void Configure(EntityTypeBuilder<GraphSubscription> builder)
    {
        builder.ToTable("graph_subscription");
        builder.HasKey(s => new { s.ClientId, s.Resource });
        builder.Property(s => s.DueAt).HasDefaultValueSql("now()");
        builder.HasIndex(s => s.SubscriptionId).IsUnique();
        builder.HasIndex(s => s.DueAt);
    }
}
