using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Rollcall.Api.Assignment.V1;

namespace Rollcall.Assignment.Data;

/// <summary>The courses an audience of a client has to complete, by when and how often.</summary>
public sealed class AudiencePath
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }

    /// <summary>The audience's key in the client's policy.</summary>
    public required string Audience { get; init; }

    /// <summary>In the order they are meant to be taken.</summary>
    public required List<Guid> CourseIds { get; set; }
    public required int DueDays { get; set; }
    public required Recurrence Recurrence { get; set; }
    public required DateTimeOffset UpdatedAt { get; set; }
    public uint Version { get; private init; }

    public string Etag => Version.ToString(CultureInfo.InvariantCulture);
}

internal sealed class AudiencePathConfiguration : IEntityTypeConfiguration<AudiencePath>
{
    public void Configure(EntityTypeBuilder<AudiencePath> builder)
    {
        builder.ToTable("path");
        builder.HasKey(p => new
        {
            p.MspId,
            p.ClientId,
            p.Audience,
        });
        builder.Property(p => p.Audience).HasMaxLength(100);
        builder.Property(p => p.Recurrence).HasConversion<string>().HasMaxLength(20);
        builder.Property(p => p.Version).IsRowVersion();
    }
}
