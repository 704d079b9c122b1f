using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Rollcall.Api.Directory.V1;

namespace Rollcall.DirectorySync.Data;

/// <summary>A person or account of a client's roster. Leavers stay: past assignments and reports name them.</summary>
public sealed class DirectoryUser
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public required Guid UserId { get; init; }

    /// <summary>The roster version that last changed what others see of the user.</summary>
    public long Revision { get; set; }
    public required UserState State { get; set; }
    public required DateTimeOffset StateAt { get; set; }
    public required DateTimeOffset FirstSeenAt { get; init; }

    /// <summary>The decided kind, else the suggested one; the database keeps it so.</summary>
    public AccountKind Kind { get; private set; }
    public required AccountKind SuggestedKind { get; set; }

    /// <summary>What the suggestion rests on.</summary>
    public required string KindEvidence { get; set; }

    /// <summary>The MSP's word; null if nobody has confirmed or overruled the suggestion. Syncs never touch it.</summary>
    public AccountKind? DecidedKind { get; set; }
    public string? KindDecidedBy { get; set; }
    public string? KindReason { get; set; }
    public DateTimeOffset? KindDecidedAt { get; set; }

    /// <summary>As Exchange says it, or "none" where there is no mailbox to ask; null: never read.</summary>
    public string? MailboxPurpose { get; set; }
    public DateTimeOffset? MailboxReadAt { get; set; }

    /// <summary>When the purpose is read (again); null: with the next chance.</summary>
    public DateTimeOffset? MailboxDueAt { get; set; }

    /// <summary>The only source that may change or remove the user.</summary>
    public required Source Authority { get; set; }

    /// <summary>The user's name at the authority: Entra object id, SCIM externalId or CSV key.</summary>
    public required string ExternalId { get; set; }

    /// <summary>What managers and memberships refer to: Entra's object id, or one made from the key of another source.</summary>
    public Guid? ObjectId { get; set; }
    public Guid? ManagerObjectId { get; set; }

    /// <summary>
    /// The directory's properties as last read, by Graph name; a property never sent is absent. JSON as text: nobody
    /// searches in it, and it is written and read by the hundred thousand.
    /// </summary>
    public required string Properties { get; set; }
    public required string DisplayName { get; set; }

    /// <summary>Lower-cased; empty when there is none.</summary>
    public required string Mail { get; set; }
    public string EscrowReason { get; set; } = "";

    /// <summary>The brake holds a removal back.</summary>
    public bool Staged { get; set; }

    /// <summary>Removed because the import scope no longer covers the person.</summary>
    public bool OutsideImport { get; set; }
}

/// <summary>Somebody of the directory whom the import scope leaves out: known by object id alone.</summary>
public sealed class OutsideUser
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public required Guid ObjectId { get; init; }
}

/// <summary>A removal the brake holds back, until it is approved, rejected or the person reappears.</summary>
public sealed class StagedRemovalRow
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public required Guid UserId { get; init; }

    /// <summary>What the user becomes once approved.</summary>
    public required UserState NewState { get; init; }
    public required string Reason { get; init; }
    public required DateTimeOffset StagedAt { get; init; }

    /// <summary>Staged by the import scope: coming back into it is enough to stay.</summary>
    public bool OutsideImport { get; init; }

    /// <summary>Rejected: kept until then.</summary>
    public DateTimeOffset? KeepUntil { get; set; }
}

internal sealed class DirectoryUserConfiguration : IEntityTypeConfiguration<DirectoryUser>
{
    public void Configure(EntityTypeBuilder<DirectoryUser> builder)
    {
        builder.ToTable("directory_user");
        builder.HasKey(u => new { u.ClientId, u.UserId });
        // Compared byte by byte: the database's own order would cost the index several times as much.
        builder.Property(u => u.Mail).UseCollation("C");
        builder.Property(u => u.Kind).HasComputedColumnSql("coalesce(decided_kind, suggested_kind)", stored: true);
        builder.HasIndex(u => new { u.ClientId, u.ObjectId }).IsUnique();
        builder.HasIndex(u => new { u.ClientId, u.ManagerObjectId });
        builder.HasIndex(u => new { u.ClientId, u.Mail });

        // Few among many: looked at in every round.
        builder
            .HasIndex(u => new { u.ClientId, u.UserId }, "ix_directory_user_escrowed")
            .HasFilter("escrow_reason <> ''");
    }
}

internal sealed class OutsideUserConfiguration : IEntityTypeConfiguration<OutsideUser>
{
    public void Configure(EntityTypeBuilder<OutsideUser> builder)
    {
        builder.ToTable("outside_user");
        builder.HasKey(u => new { u.ClientId, u.ObjectId });
    }
}

internal sealed class StagedRemovalConfiguration : IEntityTypeConfiguration<StagedRemovalRow>
{
    public void Configure(EntityTypeBuilder<StagedRemovalRow> builder)
    {
        builder.ToTable("staged_removal");
        builder.HasKey(r => new { r.ClientId, r.UserId });
    }
}
