using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Rollcall.DirectorySync.Data;

/// <summary>A managed service provider.</summary>
public sealed class Msp
{
    public Guid MspId { get; init; } = Guid.CreateVersion7();
    public required string DisplayName { get; set; }
    public Guid? RequestId { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
}

/// <summary>A company whose people an MSP trains.</summary>
public sealed class Client
{
    public Guid ClientId { get; init; } = Guid.CreateVersion7();
    public required Guid MspId { get; init; }
    public required string DisplayName { get; set; }

    /// <summary>IANA zone.</summary>
    public required string TimeZone { get; set; }
    public required int LeaverAfterDays { get; set; }

    /// <summary>The newest roster version; its row lock serialises everything that makes one.</summary>
    public long RosterVersion { get; set; }
    public long Revision { get; set; } = 1;
    public Guid? RequestId { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
}

internal sealed class MspConfiguration : IEntityTypeConfiguration<Msp>
{
    public void Configure(EntityTypeBuilder<Msp> builder)
    {
        builder.ToTable("msp");
        builder.HasKey(m => m.MspId);
        builder.HasIndex(m => m.DisplayName).IsUnique();
        builder.HasIndex(m => m.RequestId).IsUnique();
    }
}

internal sealed class ClientConfiguration : IEntityTypeConfiguration<Client>
{
    public void Configure(EntityTypeBuilder<Client> builder)
    {
        builder.ToTable("client");
        builder.HasKey(c => c.ClientId);
        builder.HasIndex(c => new { c.MspId, c.DisplayName }).IsUnique();
        builder.HasIndex(c => new { c.MspId, c.RequestId }).IsUnique();
    }
}
