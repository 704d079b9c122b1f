using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Notification.V1;

namespace Rollcall.Notification.Data;

/// <summary>One condition of one client while it lasts, and the ticket a partner made of it.</summary>
public sealed class ClientAlert
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public required Guid Id { get; init; }
    public required string Condition { get; init; }
    public required AlertState State { get; set; }
    public required Severity Severity { get; set; }
    public required FixOwner Owner { get; set; }
    public required string Summary { get; set; }
    public required string Problem { get; set; }
    public required string Remedy { get; set; }
    public required string ErrorCode { get; set; }
    public required DateTimeOffset FirstSeenAt { get; init; }
    public required DateTimeOffset LastSeenAt { get; set; }
    public required int Occurrences { get; set; }
    public DateTimeOffset? AcknowledgedAt { get; set; }
    public DateTimeOffset? ResolvedAt { get; set; }
    public string Resolution { get; set; } = "";

    /// <summary>True once partners were told; only then are they told of the end.</summary>
    public bool Ticketed { get; set; }
    public string ExternalTicketId { get; set; } = "";
    public string ExternalTicketUrl { get; set; } = "";

    /// <summary>When the service desk closed its ticket; null again once the ticket is asked for anew.</summary>
    public DateTimeOffset? TicketClosedAt { get; set; }
    public uint Version { get; private init; }

    /// <summary>Client and condition, never a time or a text: the same trouble always has the same key.</summary>
    public string DedupeKey => $"{ClientId}:{Condition}";
}

/// <summary>A remark from a partner's service desk.</summary>
public sealed class ClientAlertNote
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }

    /// <summary>The caller's request id, if it gave one.</summary>
    public required Guid Id { get; init; }
    public required Guid AlertId { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required string Author { get; init; }
    public required string Text { get; init; }
}

internal sealed class ClientAlertConfiguration : IEntityTypeConfiguration<ClientAlert>
{
    public void Configure(EntityTypeBuilder<ClientAlert> builder)
    {
        builder.ToTable("alert");
        builder.HasKey(a => new { a.ClientId, a.Id });
        builder.Ignore(a => a.DedupeKey);
        builder.Property(a => a.Condition).HasMaxLength(50);
        builder.Property(a => a.State).HasConversion<string>();
        builder.Property(a => a.Severity).HasConversion<string>();
        builder.Property(a => a.Owner).HasConversion<string>();
        builder.Property(a => a.Summary).HasMaxLength(100);
        builder.Property(a => a.Version).IsRowVersion();
        builder.HasIndex(a => new { a.MspId, a.Id });

        // One open alert per client and condition.
        builder.HasIndex(a => new { a.ClientId, a.Condition }).IsUnique().HasFilter("state <> 'Resolved'");
    }
}

internal sealed class ClientAlertNoteConfiguration : IEntityTypeConfiguration<ClientAlertNote>
{
    public void Configure(EntityTypeBuilder<ClientAlertNote> builder)
    {
        builder.ToTable("alert_note");
        builder.HasKey(n => new
        {
            n.ClientId,
            n.AlertId,
            n.Id,
        });
    }
}
