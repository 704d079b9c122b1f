using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Rollcall.Api.Directory.V1;

namespace Rollcall.DirectorySync.Data;

/// <summary>
/// What one run did to one object, with old and new values. The table has a partition for each month. All events of a run
/// have one time.
/// </summary>
public class SyncEventRow
{
    public required Guid Id { get; init; }
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public required Guid RunId { get; init; }
    public required DateTimeOffset OccurredAt { get; init; }
    public required SyncAction Action { get; init; }
    public required SyncStatus Status { get; init; }
    public Guid? UserId { get; init; }
    public Guid? GroupId { get; init; }
    public required string DisplayName { get; init; }

    /// <summary>[{"p": property, "o": old, "n": new}]; null when there is nothing to compare.</summary>
    public string? Changes { get; init; }
    public required string ReasonCode { get; init; }
}

/// <summary>What a dry run would have done to one object. Kept for some days.</summary>
public sealed class SyncPreviewRow : SyncEventRow;

internal abstract class EventConfiguration<T>(string table) : IEntityTypeConfiguration<T>
    where T : SyncEventRow
{
    public void Configure(EntityTypeBuilder<T> builder)
    {
        builder.HasBaseType((Type?)null);
        builder.ToTable(table);
        builder.HasKey(e => new
        {
            e.ClientId,
            e.OccurredAt,
            e.Id,
        });
        builder.Property(e => e.Changes).HasColumnType("jsonb");
        builder.HasIndex(e => new { e.ClientId, e.UserId });
        // Few among many.
        builder.HasIndex(e => new { e.ClientId, e.GroupId }).HasFilter("group_id is not null");
    }
}

internal sealed class SyncEventConfiguration() : EventConfiguration<SyncEventRow>("sync_event");

internal sealed class SyncPreviewConfiguration() : EventConfiguration<SyncPreviewRow>("sync_preview");
