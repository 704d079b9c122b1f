using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Rollcall.Notification.Data;

/// <summary>A client as its newest ClientChanged describes it.</summary>
public sealed class KnownClient
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public required long Revision { get; set; }
    public required string DisplayName { get; set; }

    /// <summary>IANA zone: days, hours and dates in mails are this zone's.</summary>
    public required string TimeZone { get; set; }
    public required string MspDisplayName { get; set; }
}

internal sealed class KnownClientConfiguration : IEntityTypeConfiguration<KnownClient>
{
    public void Configure(EntityTypeBuilder<KnownClient> builder)
    {
        builder.ToTable("client");
        builder.HasKey(c => c.ClientId);
        builder.HasIndex(c => c.MspId);
    }
}
