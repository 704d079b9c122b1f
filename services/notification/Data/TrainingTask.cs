using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Rollcall.Api.Assignment.V1;

namespace Rollcall.Notification.Data;

/// <summary>An assignment as its newest revision describes it: what mails speak of.</summary>
public sealed class TrainingTask
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public required Guid AssignmentId { get; init; }
    public required long Revision { get; set; }
    public required Guid UserId { get; init; }
    public required string CourseTitle { get; set; }
    public required AssignmentState State { get; set; }
    public required DateTimeOffset OpenedAt { get; set; }

    /// <summary>Null: never due, never reminded.</summary>
    public DateTimeOffset? DueAt { get; set; }

    /// <summary>When the reminder planner has to look at it next; null when no step is left.</summary>
    public DateTimeOffset? NextReminderAt { get; set; }
}

internal sealed class TrainingTaskConfiguration : IEntityTypeConfiguration<TrainingTask>
{
    public void Configure(EntityTypeBuilder<TrainingTask> builder)
    {
        builder.ToTable("training_task");
        builder.HasKey(t => new { t.ClientId, t.AssignmentId });
        builder.Property(t => t.State).HasConversion<string>();
        builder.HasIndex(t => new { t.ClientId, t.UserId });
        builder.HasIndex(t => new { t.ClientId, t.NextReminderAt }).HasFilter("state = 'Open'");
    }
}
