using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Rollcall.Api.Directory.V1;

namespace Rollcall.DirectorySync.Data;

/// <summary>An object of the directory that cannot be used as it is, until it is mended or gone.</summary>
public sealed class EscrowRow
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }

    /// <summary>The person's or group's id in Rollcall.</summary>
    public required Guid SubjectId { get; init; }
    public required bool IsGroup { get; init; }
    public required Guid ObjectId { get; init; }
    public required Source Source { get; init; }
    public required string Reason { get; set; }
    public required DateTimeOffset FirstSeenAt { get; init; }

    /// <summary>How often the object was read again since.</summary>
    public int Attempts { get; set; }
    public required DateTimeOffset NextRetryAt { get; set; }
}

internal sealed class EscrowConfiguration : IEntityTypeConfiguration<EscrowRow>
{
    public void Configure(EntityTypeBuilder<EscrowRow> builder)
    {
        builder.ToTable("escrow");
        builder.HasKey(e => new { e.ClientId, e.SubjectId });
        builder.HasIndex(e => new { e.ClientId, e.NextRetryAt });
    }
}
