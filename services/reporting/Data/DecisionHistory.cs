using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Rollcall.Api.Scope.V1;

namespace Rollcall.Reporting.Data;

/// <summary>A decision about a person as one revision of it was.</summary>
public sealed class DecisionHistory
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public required Guid UserId { get; init; }
    public required long Revision { get; init; }

    /// <summary>When it was observed.</summary>
    public required DateTimeOffset ValidFrom { get; init; }

    /// <summary>When a higher revision was observed; infinity for the newest.</summary>
    public required DateTimeOffset ValidTo { get; init; }
    public required Verdict Verdict { get; init; }
    public required string[] Audiences { get; init; }
    public required string Reason { get; init; }
    public required string ReasonCode { get; init; }
    public required long RosterVersion { get; init; }
    public required long PolicyVersion { get; init; }
}

internal sealed class DecisionHistoryConfiguration : IEntityTypeConfiguration<DecisionHistory>
{
    public void Configure(EntityTypeBuilder<DecisionHistory> decision)
    {
        decision.ToTable("decision_history");
        decision.HasKey(d => new
        {
            d.ClientId,
            d.UserId,
            d.Revision,
        });
        decision.Property(d => d.Verdict).HasConversion<string>();
        decision.HasIndex(d => new { d.ClientId, d.ValidTo });
    }
}
