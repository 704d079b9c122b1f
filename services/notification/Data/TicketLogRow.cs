using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Rollcall.Notification.Data;

/// <summary>A ticket event as partners read it. Never changed.</summary>
public sealed class TicketLogRow
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public required long Sequence { get; init; }

    /// <summary>rollcall.partner.v1.TicketEvent.</summary>
    public required byte[] Body { get; init; }
}

/// <summary>
/// The last sequence of an MSP. Raised under its row lock in the transaction that writes the event, so numbers become
/// visible in their order: a reader that has seen n has seen everything below it.
/// </summary>
public sealed class TicketCounter
{
    public required Guid MspId { get; init; }
    public required long Last { get; set; }
}

/// <summary>Up to where a partner has acknowledged everything it can see.</summary>
public sealed class TicketCursor
{
    public required Guid MspId { get; init; }

    /// <summary>Subject of the partner's token.</summary>
    public required string Partner { get; init; }
    public required long Sequence { get; set; }
}

/// <summary>An acknowledgement ahead of the cursor: an earlier event is still open.</summary>
public sealed class TicketAck
{
    public required Guid MspId { get; init; }
    public required string Partner { get; init; }
    public required long Sequence { get; init; }
}

internal sealed class TicketLogRowConfiguration : IEntityTypeConfiguration<TicketLogRow>
{
    public void Configure(EntityTypeBuilder<TicketLogRow> builder)
    {
        builder.ToTable("ticket_log");
        builder.HasKey(t => new { t.MspId, t.Sequence });
    }
}

internal sealed class TicketCounterConfiguration : IEntityTypeConfiguration<TicketCounter>
{
    public void Configure(EntityTypeBuilder<TicketCounter> builder)
    {
        builder.ToTable("ticket_counter");
        builder.HasKey(t => t.MspId);
    }
}

internal sealed class TicketCursorConfiguration : IEntityTypeConfiguration<TicketCursor>
{
    public void Configure(EntityTypeBuilder<TicketCursor> builder)
    {
        builder.ToTable("ticket_cursor");
        builder.HasKey(t => new { t.MspId, t.Partner });
    }
}

internal sealed class TicketAckConfiguration : IEntityTypeConfiguration<TicketAck>
{
    public void Configure(EntityTypeBuilder<TicketAck> builder)
    {
        builder.ToTable("ticket_ack");
        builder.HasKey(t => new
        {
            t.MspId,
            t.Partner,
            t.Sequence,
        });
    }
}
