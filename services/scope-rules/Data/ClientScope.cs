using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Rollcall.ScopeRules.Data;

/// <summary>
/// What scope-rules keeps of a client. Whoever decides about its people locks the row first: roster versions, publishes
/// and the passing of time never interleave.
/// </summary>
public sealed class ClientScope
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }

    /// <summary>IANA zone: where the client's days begin.</summary>
    public required string TimeZone { get; set; }
    public required int LeaverAfterDays { get; set; }

    /// <summary>The policy in force; null before the first is published: nobody is decided on.</summary>
    public long? PublishedVersion { get; set; }

    /// <summary>Everyone after this user is still to be evaluated; null: nobody.</summary>
    public Guid? SweepAfter { get; set; }

    /// <summary>When the worker has something to do here; null: never.</summary>
    public DateTimeOffset? NextEvaluationAt { get; set; }
}

internal sealed class ClientScopeConfiguration : IEntityTypeConfiguration<ClientScope>
{
    public void Configure(EntityTypeBuilder<ClientScope> builder)
    {
        builder.ToTable("client_scope");
        builder.HasKey(c => c.ClientId);
        builder.HasIndex(c => c.NextEvaluationAt).HasFilter("next_evaluation_at is not null");
    }
}
