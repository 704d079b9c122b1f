using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Rollcall.Api.Notification.V1;

namespace Rollcall.Notification.Data;

/// <summary>
/// Trouble of the platform itself. Belongs to no tenant, so it holds no one's data: stable codes, service names, counts.
/// </summary>
public sealed class PlatformAlert
{
    public required Guid Id { get; init; }
    public required string DedupeKey { get; init; }
    public required string Condition { get; init; }
    public required AlertState State { get; set; }
    public required Severity Severity { get; init; }
    public required string Summary { get; init; }
    public required string Problem { get; init; }
    public required string Remedy { get; init; }
    public required string ErrorCode { get; init; }
    public required DateTimeOffset FirstSeenAt { get; init; }
    public required DateTimeOffset LastSeenAt { get; set; }
    public required int Occurrences { get; set; }
    public DateTimeOffset? AcknowledgedAt { get; set; }
    public DateTimeOffset? ResolvedAt { get; set; }
    public string Resolution { get; set; } = "";
    public uint Version { get; private init; }
}

/// <summary>Whom an open platform alert concerns, by id: it is over when the last one is gone.</summary>
public sealed class PlatformAlertSubject
{
    public required string DedupeKey { get; init; }
    public required Guid SubjectId { get; init; }
}

internal sealed class PlatformAlertConfiguration : IEntityTypeConfiguration<PlatformAlert>
{
    public void Configure(EntityTypeBuilder<PlatformAlert> builder)
    {
        builder.ToTable("platform_alert");
        builder.Property(a => a.State).HasConversion<string>();
        builder.Property(a => a.Severity).HasConversion<string>();
        builder.Property(a => a.Resolution).HasDefaultValue("");
        builder.Property(a => a.Version).IsRowVersion();

        // One open alert per key.
        builder.HasIndex(a => a.DedupeKey).IsUnique().HasFilter("state <> 'Resolved'");
    }
}

internal sealed class PlatformAlertSubjectConfiguration : IEntityTypeConfiguration<PlatformAlertSubject>
{
    public void Configure(EntityTypeBuilder<PlatformAlertSubject> builder)
    {
        builder.ToTable("platform_alert_subject");
        builder.HasKey(s => new { s.DedupeKey, s.SubjectId });
    }
}
