using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Rollcall.Reporting.Data;

/// <summary>A roster version that has arrived completely.</summary>
public sealed class RosterHistory
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public required long Version { get; init; }

    /// <summary>When it was observed.</summary>
    public required DateTimeOffset ValidFrom { get; init; }

    /// <summary>People the import scope left out; null if the version did not tell.</summary>
    public required long? OutsideImportCount { get; init; }
}

/// <summary>A roster version and policy version that decisions have been made for.</summary>
public sealed class ScopeHistory
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public required long RosterVersion { get; init; }
    public required long PolicyVersion { get; init; }

    /// <summary>When decisions for them were observed.</summary>
    public required DateTimeOffset ValidFrom { get; init; }
}

internal sealed class RosterHistoryConfiguration : IEntityTypeConfiguration<RosterHistory>
{
    public void Configure(EntityTypeBuilder<RosterHistory> version)
    {
        version.ToTable("roster_history");
        version.HasKey(v => new { v.ClientId, v.Version });
    }
}

internal sealed class ScopeHistoryConfiguration : IEntityTypeConfiguration<ScopeHistory>
{
    public void Configure(EntityTypeBuilder<ScopeHistory> version)
    {
        version.ToTable("scope_history");
        version.HasKey(v => new
        {
            v.ClientId,
            v.RosterVersion,
            v.PolicyVersion,
            v.ValidFrom,
        });
    }
}
