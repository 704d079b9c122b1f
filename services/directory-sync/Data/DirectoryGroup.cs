using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Rollcall.DirectorySync.Data;

/// <summary>A group of the client's directory.</summary>
public sealed class DirectoryGroup
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public required Guid GroupId { get; init; }
    public required Guid ObjectId { get; init; }
    public long Revision { get; set; }
    public required string DisplayName { get; set; }
    public bool SecurityEnabled { get; set; }
    public bool Dynamic { get; set; }
    public bool Removed { get; set; }

    /// <summary>Outside the import scope only the ids are kept, for the people nested groups lead to.</summary>
    public bool Imported { get; set; } = true;
}

/// <summary>
/// A direct membership, by object ids: it may arrive before its member does, and it outlives a deleted member, because
/// a restored one gets its groups back without a word.
/// </summary>
public sealed class Membership
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public required Guid GroupObjectId { get; init; }
    public required Guid MemberObjectId { get; init; }
    public required MemberType MemberType { get; init; }

    /// <summary>Since when this nesting is not followed, because it would lead too far; null: it counts.</summary>
    public DateTimeOffset? HeldAt { get; init; }
}

/// <summary>What a member is; devices, contacts and service principals are kept but lead to nobody.</summary>
public enum MemberType
{
    Other = 0,
    User = 1,
    Group = 2,
}

/// <summary>A page of a round too big for memory, kept so that a crash resumes behind it.</summary>
public sealed class StagedPage
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public required short Stream { get; init; }
    public required int Page { get; init; }

    /// <summary>The round's first request: a page belongs only to the round that began the same way.</summary>
    public required string Origin { get; init; }

    /// <summary>The page's JSON as Graph sent it.</summary>
    public required byte[] Body { get; init; }

    /// <summary>Where the stream goes on; null on the last page, which has <see cref="DeltaLink"/>.</summary>
    public string? NextLink { get; init; }
    public string? DeltaLink { get; init; }

    /// <summary>By the database's clock; see <see cref="PageRetention"/> on how long it is kept.</summary>
    public DateTimeOffset CreatedAt { get; private init; }
}

internal sealed class DirectoryGroupConfiguration : IEntityTypeConfiguration<DirectoryGroup>
{
    public void Configure(EntityTypeBuilder<DirectoryGroup> builder)
    {
        builder.ToTable("directory_group");
        builder.HasKey(g => new { g.ClientId, g.GroupId });
        builder.HasIndex(g => new { g.ClientId, g.ObjectId }).IsUnique();
        builder.Property(g => g.Imported).HasDefaultValue(true);
    }
}

internal sealed class MembershipConfiguration : IEntityTypeConfiguration<Membership>
{
    public void Configure(EntityTypeBuilder<Membership> builder)
    {
        builder.ToTable("membership");
        builder.HasKey(m => new
        {
            m.ClientId,
            m.MemberObjectId,
            m.GroupObjectId,
        });
        builder.HasIndex(m => new { m.ClientId, m.GroupObjectId });

        // Few among many: looked at in every round.
        builder
            .HasIndex(m => new { m.ClientId, m.GroupObjectId }, "ix_membership_nested")
            .HasFilter("member_type = 2");
        builder.HasIndex(m => m.ClientId, "ix_membership_held").HasFilter("held_at is not null");
    }
}

internal sealed class StagedPageConfiguration : IEntityTypeConfiguration<StagedPage>
{
    public void Configure(EntityTypeBuilder<StagedPage> builder)
    {
        // Lost in a crash of the database, and read again: not worth its log.
        builder.ToTable("staged_page").IsUnlogged();
        builder.HasKey(p => new
        {
            p.ClientId,
            p.Stream,
            p.Page,
        });
        builder.Property(p => p.CreatedAt).HasDefaultValueSql("now()");
    }
}
