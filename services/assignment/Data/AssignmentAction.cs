using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Rollcall.Assignment.Data;

/// <summary>What a person or learning system did to an assignment. Only ever added to.</summary>
public sealed record AssignmentAction
{
    public required Guid Id { get; init; }
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public required Guid AssignmentId { get; init; }
    public required ActionKind Kind { get; init; }

    /// <summary>When it happened; may be earlier than its recording.</summary>
    public required DateTimeOffset At { get; init; }
    public required DateTimeOffset RecordedAt { get; init; }

    /// <summary>Subject of the caller's token.</summary>
    public required string Actor { get; init; }

    /// <summary>Why; only for waivers and reopenings.</summary>
    public string? Reason { get; init; }
    public double? Score { get; init; }

    /// <summary>Chosen by the caller; null if it chose none.</summary>
    public Guid? RequestId { get; init; }
}

public enum ActionKind
{
    Started,
    Completed,
    Waived,
    Reopened,
}

internal sealed class AssignmentActionConfiguration : IEntityTypeConfiguration<AssignmentAction>
{
    public void Configure(EntityTypeBuilder<AssignmentAction> builder)
    {
        builder.ToTable("assignment_action");
        builder.HasKey(a => new
        {
            a.MspId,
            a.ClientId,
            a.Id,
        });
        builder.HasIndex(a => new
        {
            a.MspId,
            a.ClientId,
            a.AssignmentId,
        });

        // One action per request, however often it is repeated.
        builder
            .HasIndex(a => new
            {
                a.MspId,
                a.ClientId,
                a.RequestId,
            })
            .IsUnique();
        builder.Property(a => a.Kind).HasConversion<string>().HasMaxLength(20);
        builder.Property(a => a.Reason).HasMaxLength(500);
    }
}
