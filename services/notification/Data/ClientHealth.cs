using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Rollcall.Api.Directory.V1;

namespace Rollcall.Notification.Data;

/// <summary>A client's newest sync health. Its row lock also puts the alerts of a client in order.</summary>
public sealed class ClientHealth
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public required long Revision { get; set; }
    public required HealthState State { get; set; }

    /// <summary>When the roster was last known to be right; null before the first success.</summary>
    public DateTimeOffset? LastSuccessAt { get; set; }
}

internal sealed class ClientHealthConfiguration : IEntityTypeConfiguration<ClientHealth>
{
    public void Configure(EntityTypeBuilder<ClientHealth> builder)
    {
        builder.ToTable("client_health");
        builder.HasKey(h => h.ClientId);
        builder.Property(h => h.State).HasConversion<string>();
    }
}
