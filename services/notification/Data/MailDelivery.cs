using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Rollcall.Api.Notification.V1;

namespace Rollcall.Notification.Data;

/// <summary>One mail to one person: the intent, written with the facts that ask for it, and what became of it.</summary>
public sealed class MailDelivery
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public required Guid Id { get; init; }
    public required Guid UserId { get; init; }
    public required DeliveryKind Kind { get; init; }
    public required DeliveryState State { get; set; }

    /// <summary>True until the sender first takes it: further assignments of the person join this mail.</summary>
    public required bool Gathering { get; set; }
    public string Reason { get; set; } = "";
    public string Address { get; set; } = "";
    public string Subject { get; set; } = "";
    public required DateTimeOffset PlannedAt { get; init; }
    public DateTimeOffset? SentAt { get; set; }
    public int Attempts { get; set; }
}

/// <summary>An assignment the mail speaks of.</summary>
public sealed class MailItem
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public required Guid DeliveryId { get; init; }
    public required Guid AssignmentId { get; init; }
    public required DeliveryKind Kind { get; init; }

    /// <summary>Days relative to the due day; 0 in assignment mails.</summary>
    public required int Step { get; init; }

    /// <summary>Left out of the mail, so that a later mail may speak of it.</summary>
    public bool Dropped { get; set; }
}

internal sealed class MailDeliveryConfiguration : IEntityTypeConfiguration<MailDelivery>
{
    public void Configure(EntityTypeBuilder<MailDelivery> builder)
    {
        builder.ToTable("delivery");
        builder.HasKey(d => new { d.ClientId, d.Id });
        builder.Property(d => d.Kind).HasConversion<string>();
        builder.Property(d => d.State).HasConversion<string>();
        builder.HasIndex(d => new
        {
            d.ClientId,
            d.UserId,
            d.Id,
        });

        // One mail per person and batch: whoever has more to say adds it to the one that waits.
        builder
            .HasIndex(d => new
            {
                d.ClientId,
                d.UserId,
                d.Kind,
            })
            .IsUnique()
            .HasFilter("gathering");
    }
}

internal sealed class MailItemConfiguration : IEntityTypeConfiguration<MailItem>
{
    public void Configure(EntityTypeBuilder<MailItem> builder)
    {
        builder.ToTable("delivery_item");
        builder.HasKey(i => new
        {
            i.ClientId,
            i.DeliveryId,
            i.AssignmentId,
            i.Step,
        });
        builder.Property(i => i.Kind).HasConversion<string>();

        // Never told twice: an assignment once, each reminder step once.
        builder
            .HasIndex(i => new
            {
                i.ClientId,
                i.AssignmentId,
                i.Kind,
                i.Step,
            })
            .IsUnique()
            .HasFilter("not dropped");
    }
}
