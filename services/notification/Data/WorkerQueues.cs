using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Rollcall.Notification.Data;

/// <summary>A mail that waits for the sender. The worker role reads these across tenants: ids and times only.</summary>
public sealed class SendQueueRow
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public required Guid DeliveryId { get; init; }

    /// <summary>Database time. Taking a row moves it ahead: if the sender dies, the row comes back by itself.</summary>
    public DateTimeOffset NextAt { get; set; }

    /// <summary>W3C trace context of the change that led to the mail.</summary>
    public string? TraceParent { get; init; }

    /// <summary>Raised by each taking. A sender whose number is no longer the newest has lost the row.</summary>
    public int Claim { get; set; }
}

/// <summary>When a client's reminders have to be looked at next. The worker role reads these across tenants.</summary>
public sealed class ReminderScheduleRow
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }

    /// <summary>The clock people see (TimeProvider), so that the development clock moves it. Null: nothing to come.</summary>
    public DateTimeOffset? DueAt { get; set; }

    /// <summary>Database time until which one planner has the client to itself.</summary>
    public DateTimeOffset? LeaseUntil { get; set; }
}

internal sealed class SendQueueRowConfiguration : IEntityTypeConfiguration<SendQueueRow>
{
    public void Configure(EntityTypeBuilder<SendQueueRow> builder)
    {
        builder.ToTable("send_queue");
        builder.HasKey(q => new { q.ClientId, q.DeliveryId });
        builder.Property(q => q.Claim).HasDefaultValue(0);
        builder.HasIndex(q => q.NextAt);
    }
}

internal sealed class ReminderScheduleRowConfiguration : IEntityTypeConfiguration<ReminderScheduleRow>
{
    public void Configure(EntityTypeBuilder<ReminderScheduleRow> builder)
    {
        builder.ToTable("reminder_schedule");
        builder.HasKey(r => r.ClientId);
        builder.HasIndex(r => r.DueAt);
    }
}
