using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Rollcall.Assignment.Data;

/// <summary>A course of an MSP's catalogue.</summary>
public sealed class Course
{
    public required Guid Id { get; init; }
    public required Guid MspId { get; init; }
    public required string Title { get; set; }

    /// <summary>Empty: not known yet.</summary>
    public required string LaunchUrl { get; set; }

    /// <summary>0: not known.</summary>
    public required int DurationMinutes { get; set; }
    public bool Archived { get; set; }

    /// <summary>Which course of the template it is; null for the MSP's own.</summary>
    public string? TemplateKey { get; init; }

    /// <summary>Chosen by the caller who created it.</summary>
    public Guid? RequestId { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public uint Version { get; private init; }

    public string Etag => Version.ToString(CultureInfo.InvariantCulture);
}

internal sealed class CourseConfiguration : IEntityTypeConfiguration<Course>
{
    public void Configure(EntityTypeBuilder<Course> builder)
    {
        builder.ToTable("course");
        builder.HasKey(c => new { c.MspId, c.Id });
        builder.Property(c => c.Title).HasMaxLength(200);
        builder.Property(c => c.LaunchUrl).HasMaxLength(2000);
        builder.Property(c => c.TemplateKey).HasMaxLength(100);
        builder.Property(c => c.Version).IsRowVersion();

        // One course per request, however often it is repeated.
        builder.HasIndex(c => new { c.MspId, c.RequestId }).IsUnique();

        // One copy of each template course per MSP, however many clients apply the template at once.
        builder.HasIndex(c => new { c.MspId, c.TemplateKey }).IsUnique();
    }
}
