using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Rollcall.Assignment.Data;

/// <summary>
/// A client's calendar, and how far planning everybody in it has come. Its row is also the lock between those who
/// change what paths ask for (FOR UPDATE) and those who plan by it (FOR KEY SHARE, each other no obstacle).
/// </summary>
public sealed class PlannedClient
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }

    /// <summary>IANA zone.</summary>
    public required string TimeZone { get; init; }

    /// <summary>Of the ClientChanged the zone is from; 0 if directory-sync was asked.</summary>
    public required long Revision { get; init; }

    /// <summary>Everybody after this user id still has to be planned anew; null: nobody has.</summary>
    public Guid? ReplanAfter { get; init; }

    /// <summary>When the client's next calendar year begins.</summary>
    public required DateTimeOffset NextCycleAt { get; init; }

    /// <summary>Database time. Planning failed; not to be tried before.</summary>
    public DateTimeOffset? RetryAt { get; init; }
}

internal sealed class PlannedClientConfiguration : IEntityTypeConfiguration<PlannedClient>
{
    public void Configure(EntityTypeBuilder<PlannedClient> builder)
    {
        builder.ToTable("client");
        builder.HasKey(c => new { c.MspId, c.ClientId });
        builder.Property(c => c.TimeZone).HasMaxLength(100);

        // What the worker looks for, across all clients.
        builder.HasIndex(c => c.ReplanAfter).HasFilter("replan_after is not null");
        builder.HasIndex(c => c.NextCycleAt);
    }
}
