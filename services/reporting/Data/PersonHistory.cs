using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Rollcall.Api.Directory.V1;

namespace Rollcall.Reporting.Data;

/// <summary>A person of the roster as one revision of them was.</summary>
public sealed class PersonHistory
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public required Guid UserId { get; init; }
    public required long Revision { get; init; }

    /// <summary>When it was observed.</summary>
    public required DateTimeOffset ValidFrom { get; init; }

    /// <summary>When a higher revision was observed; infinity for the newest.</summary>
    public required DateTimeOffset ValidTo { get; init; }
    public required long RosterVersion { get; init; }
    public required UserState State { get; init; }

    /// <summary>When the state was entered, as the directory says; null if it does not.</summary>
    public required DateTimeOffset? StateAt { get; init; }
    public required AccountKind Kind { get; init; }
    public required string DisplayName { get; init; }
    public required string Mail { get; init; }
    public required string Department { get; init; }
    public required string ManagerId { get; init; }
    public required bool Staged { get; init; }

    /// <summary>rollcall.directory.v1.User: what no report reads yet cannot be observed a second time.</summary>
    public required byte[] Body { get; init; }
}

internal sealed class PersonHistoryConfiguration : IEntityTypeConfiguration<PersonHistory>
{
    public void Configure(EntityTypeBuilder<PersonHistory> person)
    {
        person.ToTable("person_history");
        person.HasKey(p => new
        {
            p.ClientId,
            p.UserId,
            p.Revision,
        });
        person.Property(p => p.State).HasConversion<string>();
        person.Property(p => p.Kind).HasConversion<string>();
        person.HasIndex(p => new { p.ClientId, p.ValidTo });
    }
}
