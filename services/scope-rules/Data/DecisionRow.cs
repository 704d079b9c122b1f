using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Rollcall.Api.Scope.V1;

namespace Rollcall.ScopeRules.Data;

/// <summary>
/// A decision about a user, with two times: when it holds, and when we knew it. Rows are closed, never changed; what
/// was known on a past day is read, not computed again.
/// </summary>
public sealed class DecisionRow
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public required Guid UserId { get; init; }

    /// <summary>From 1, consecutive within the user.</summary>
    public required long Revision { get; init; }
    public required Verdict Verdict { get; init; }
    public required string[] Audiences { get; init; }
    public required string Reason { get; init; }
    public required string ReasonCode { get; init; }
    public required long RosterVersion { get; init; }
    public required long PolicyVersion { get; init; }

    /// <summary>When we observed it, or the day of the fact that brought it: a hire, a leave, an exception's end.</summary>
    public required DateTimeOffset ValidFrom { get; init; }

    /// <summary>Null: it is the current one.</summary>
    public DateTimeOffset? ValidTo { get; init; }

    /// <summary>From when we knew it.</summary>
    public required DateTimeOffset RecordedAt { get; init; }

    /// <summary>When a newer one took its place; null: it is the current one.</summary>
    public DateTimeOffset? SupersededAt { get; init; }
}

/// <summary>When a user must be looked at again although nothing has changed.</summary>
public sealed class DueEvaluation
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public required Guid UserId { get; init; }
    public required DateTimeOffset DueAt { get; init; }
}

internal sealed class DecisionRowConfiguration : IEntityTypeConfiguration<DecisionRow>
{
    public void Configure(EntityTypeBuilder<DecisionRow> builder)
    {
        builder.ToTable("decision");
        builder.HasKey(d => new
        {
            d.ClientId,
            d.UserId,
            d.Revision,
        });
        builder.Property(d => d.Verdict).HasConversion<string>().HasMaxLength(30);

        // A user has one current decision.
        builder.HasIndex(d => new { d.ClientId, d.UserId }).IsUnique().HasFilter("valid_to is null");
    }
}

internal sealed class DueEvaluationConfiguration : IEntityTypeConfiguration<DueEvaluation>
{
    public void Configure(EntityTypeBuilder<DueEvaluation> builder)
    {
        builder.ToTable("due_evaluation");
        builder.HasKey(d => new { d.ClientId, d.UserId });
        builder.HasIndex(d => new { d.ClientId, d.DueAt });
    }
}
