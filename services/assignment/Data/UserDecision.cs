using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Rollcall.Api.Scope.V1;

namespace Rollcall.Assignment.Data;

/// <summary>The newest decision about a person. Its row is the lock that serialises planning for that person.</summary>
public sealed record UserDecision
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public required Guid UserId { get; init; }

    /// <summary>Older ones than the stored are ignored.</summary>
    public required long Revision { get; init; }
    public required Verdict Verdict { get; init; }
    public required IReadOnlyList<string> Audiences { get; init; }

    /// <summary>One sentence a person understands.</summary>
    public required string Reason { get; init; }
    public required long RosterVersion { get; init; }
    public required DateTimeOffset ValidFrom { get; init; }
}

internal sealed class UserDecisionConfiguration : IEntityTypeConfiguration<UserDecision>
{
    public void Configure(EntityTypeBuilder<UserDecision> builder)
    {
        builder.ToTable("decision");
        builder.HasKey(d => new
        {
            d.MspId,
            d.ClientId,
            d.UserId,
        });
        builder.Property(d => d.Verdict).HasConversion<string>().HasMaxLength(40);
        builder.PrimitiveCollection(d => d.Audiences).HasColumnType("text[]");
    }
}
