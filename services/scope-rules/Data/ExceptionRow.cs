using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Rollcall.Api.Scope.V1;

namespace Rollcall.ScopeRules.Data;

/// <summary>People in or out of scope against the rules, and who answers for it.</summary>
public sealed class ExceptionRow
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public required Guid Id { get; init; }
    public required ExceptionKind Kind { get; init; }

    /// <summary>Include: audience keys; empty: the policy's first including audience.</summary>
    public required string[] Audiences { get; init; }
    public required string Reason { get; init; }
    public required string RequestedBy { get; init; }
    public required string ApprovedBy { get; init; }
    public required string CreatedBy { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Null only if it expires.</summary>
    public DateTimeOffset? ReviewAt { get; init; }

    /// <summary>Null: holds until somebody ends it.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Null while nobody has ended it.</summary>
    public DateTimeOffset? EndedAt { get; set; }
    public string? EndedBy { get; set; }

    /// <summary>The group whose people were taken; null: one user.</summary>
    public Guid? GroupId { get; init; }
    public required int People { get; init; }

    /// <summary>The caller's request_id, if it gave one.</summary>
    public Guid? RequestId { get; init; }
}

/// <summary>A person an exception covers: the snapshot taken when it was made.</summary>
public sealed class ExceptionPerson
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public required Guid UserId { get; init; }
    public required Guid ExceptionId { get; init; }

    /// <summary>When the person left; on return the exception no longer speaks for them. Null: covered.</summary>
    public DateTimeOffset? LapsedAt { get; set; }
}

internal sealed class ExceptionRowConfiguration : IEntityTypeConfiguration<ExceptionRow>
{
    public void Configure(EntityTypeBuilder<ExceptionRow> builder)
    {
        builder.ToTable("exception");
        builder.HasKey(e => new { e.ClientId, e.Id });
        builder.Property(e => e.Kind).HasConversion<string>().HasMaxLength(20);
        builder.HasIndex(e => new { e.ClientId, e.RequestId }).IsUnique();
    }
}

internal sealed class ExceptionPersonConfiguration : IEntityTypeConfiguration<ExceptionPerson>
{
    public void Configure(EntityTypeBuilder<ExceptionPerson> builder)
    {
        builder.ToTable("exception_person");
        builder.HasKey(p => new
        {
            p.ClientId,
            p.UserId,
            p.ExceptionId,
        });
        builder.HasIndex(p => new { p.ClientId, p.ExceptionId });
    }
}
