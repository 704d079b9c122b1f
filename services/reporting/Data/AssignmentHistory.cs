using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Rollcall.Api.Assignment.V1;

namespace Rollcall.Reporting.Data;

/// <summary>An assignment as one revision of it was.</summary>
public sealed class AssignmentHistory
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public required Guid AssignmentId { get; init; }
    public required long Revision { get; init; }

    /// <summary>When it was observed.</summary>
    public required DateTimeOffset ValidFrom { get; init; }

    /// <summary>When a higher revision was observed; infinity for the newest.</summary>
    public required DateTimeOffset ValidTo { get; init; }
    public required Guid UserId { get; init; }
    public required string CourseId { get; init; }
    public required string CourseTitle { get; init; }
    public required string Cycle { get; init; }
    public required AssignmentState State { get; init; }
    public required string[] Causes { get; init; }
    public required string Reason { get; init; }
    public required DateTimeOffset? OpenedAt { get; init; }
    public required DateTimeOffset? DueAt { get; init; }
    public required DateTimeOffset? CompletedAt { get; init; }
    public required long RosterVersion { get; init; }
}

internal sealed class AssignmentHistoryConfiguration : IEntityTypeConfiguration<AssignmentHistory>
{
    public void Configure(EntityTypeBuilder<AssignmentHistory> assignment)
    {
        assignment.ToTable("assignment_history");
        assignment.HasKey(a => new
        {
            a.ClientId,
            a.AssignmentId,
            a.Revision,
        });
        assignment.Property(a => a.State).HasConversion<string>();
        assignment.HasIndex(a => new { a.ClientId, a.ValidTo });
    }
}
