using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Sync;

namespace Rollcall.DirectorySync.Data;

/// <summary>One sync of one client that changed something, failed, or was asked for.</summary>
public sealed class SyncRunRow
{
    public Guid Id { get; init; } = Guid.CreateVersion7();
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public Guid? RequestId { get; init; }

    /// <summary>Object id or user principal name of the only person it is about; null for everybody.</summary>
    public string? Person { get; set; }
    public required SyncMode Mode { get; set; }
    public bool IsPreview => Mode == SyncMode.DryRun;
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

    public void Succeed(RoundResult result, int pages, DateTimeOffset now)
    {
        (State, FinishedAt, Pages, RosterVersion) = (SyncRunState.Succeeded, now, pages, result.RosterVersion);
        (ErrorCode, Problem) = ("", "");
        (Added, Changed, Removed, Staged) = (result.Added, result.Changed, result.Removed, result.Staged);
    }

    /// <summary>Of a dry run: when the client would have been due without it, by the database's clock.</summary>
    public DateTimeOffset? ResumeAt { get; set; }
}

internal sealed class SyncRunConfiguration : IEntityTypeConfiguration<SyncRunRow>
{
    public void Configure(EntityTypeBuilder<SyncRunRow> builder)
    {
        builder.ToTable("sync_run");
        builder.HasKey(r => new { r.ClientId, r.Id });
        builder.Ignore(r => r.IsPreview);
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
