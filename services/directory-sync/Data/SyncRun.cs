using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Rollcall.Api.Directory.V1;

namespace Rollcall.DirectorySync.Data;

/// <summary>One sync of one client that changed something, failed, or was asked for.</summary>
public sealed class SyncRunRow
{
    public Guid Id { get; init; } = Guid.CreateVersion7();
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public Guid? RequestId { get; init; }
    public required SyncMode Mode { get; set; }
    public required SyncRunState State { get; set; }
    public required DateTimeOffset StartedAt { get; set; }
    public DateTimeOffset? FinishedAt { get; set; }
    public int Pages { get; set; }
    public int Objects { get; set; }
    public int Added { get; set; }
    public int Changed { get; set; }
    public int Removed { get; set; }
    public int Staged { get; set; }
    public long RosterVersion { get; set; }
    public string ErrorCode { get; set; } = "";
    public string Problem { get; set; } = "";
}

/// <summary>What one run did to one object, with old and new values.</summary>
public sealed class SyncEventRow
{
    public required Guid Id { get; init; }
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public required Guid RunId { get; init; }
    public required DateTimeOffset OccurredAt { get; init; }
    public required SyncAction Action { get; init; }
    public Guid? UserId { get; init; }
    public Guid? GroupId { get; init; }
    public required string DisplayName { get; init; }

    /// <summary>[{"p": property, "o": old, "n": new}]; null when there is nothing to compare.</summary>
    public string? Changes { get; init; }
    public required string ReasonCode { get; init; }
}

internal sealed class SyncRunConfiguration : IEntityTypeConfiguration<SyncRunRow>
{
    public void Configure(EntityTypeBuilder<SyncRunRow> builder)
    {
        builder.ToTable("sync_run");
        builder.HasKey(r => new { r.ClientId, r.Id });
        builder.HasIndex(r => new { r.ClientId, r.RequestId }).IsUnique();

        // At most one run that was asked for waits or runs.
        builder
            .HasIndex(r => r.ClientId)
            .IsUnique()
            .HasFilter(
                $"state in ({(int)SyncRunState.Queued}, {(int)SyncRunState.Reading}, {(int)SyncRunState.Applying})"
            )
            .HasDatabaseName("ix_sync_run_active");
    }
}

internal sealed class SyncEventConfiguration : IEntityTypeConfiguration<SyncEventRow>
{
    public void Configure(EntityTypeBuilder<SyncEventRow> builder)
    {
        builder.ToTable("sync_event");
        builder.HasKey(e => new { e.ClientId, e.Id });
        builder.Property(e => e.Changes).HasColumnType("jsonb");
        builder.HasIndex(e => new { e.ClientId, e.RunId });
        builder.HasIndex(e => new { e.ClientId, e.UserId });
    }
}
