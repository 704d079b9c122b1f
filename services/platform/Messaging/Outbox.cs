using System.Diagnostics;
using Google.Protobuf;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Rollcall.Api;

namespace Rollcall.Platform;

/// <summary>An event waiting to be published. Written in the same transaction as the change it reports.</summary>
public sealed class OutboxMessage
{
    public long Id { get; private init; }

    /// <summary>The message's id on the bus: a second copy of it is dropped by the consumer's inbox.</summary>
    public Guid MessageId { get; private init; } = Guid.CreateVersion7();
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }

    /// <summary>Proto full name.</summary>
    public required string Type { get; init; }
    public required byte[] Body { get; init; }

    /// <summary>W3C trace context of the change, so that one trace follows it to the last consumer.</summary>
    public string? TraceParent { get; init; }
    public DateTimeOffset CreatedAt { get; private init; }
    public DateTimeOffset NextAt { get; private init; }
    public int Attempts { get; private init; }
    public string? LastError { get; private init; }

    public static OutboxMessage Of(ITenantEvent message) =>
        new()
        {
            MspId = Guid.Parse(message.MspId),
            ClientId = Guid.Parse(message.ClientId),
            Type = message.Descriptor.FullName,
            Body = message.ToByteArray(),
            TraceParent = Activity.Current?.Id,
        };
}

/// <summary>An event that could not be published in <see cref="OutboxDispatcher.MaxAttempts"/> tries; an alarm was raised.</summary>
public sealed class DeadOutboxMessage
{
    public required long Id { get; init; }
    public required Guid MessageId { get; init; }
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public required string Type { get; init; }
    public required byte[] Body { get; init; }
    public string? TraceParent { get; init; }
    public DateTimeOffset DiedAt { get; private init; }
    public string? LastError { get; init; }
}

/// <summary>A message some consumer has already handled; the key makes handling happen once.</summary>
public sealed class InboxMessage
{
    public required string Consumer { get; init; }
    public required Guid MessageId { get; init; }
    public DateTimeOffset At { get; private init; }
}

/// <summary>Wakes the dispatcher after a commit, so that an event does not wait for the next poll.</summary>
public sealed class OutboxSignal : Signal;

internal sealed class OutboxMessageConfiguration : IEntityTypeConfiguration<OutboxMessage>
{
    public void Configure(EntityTypeBuilder<OutboxMessage> builder)
    {
        builder.ToTable("outbox");
        builder.Property(m => m.Id).UseIdentityAlwaysColumn();
        builder.Property(m => m.CreatedAt).HasDefaultValueSql("now()");
        builder.Property(m => m.NextAt).HasDefaultValueSql("now()");
        builder.Property(m => m.Attempts).HasDefaultValue(0);
        builder.HasIndex(m => new { m.NextAt, m.Id });
    }
}

internal sealed class DeadOutboxMessageConfiguration : IEntityTypeConfiguration<DeadOutboxMessage>
{
    public void Configure(EntityTypeBuilder<DeadOutboxMessage> builder)
    {
        builder.ToTable("outbox_dead");
        builder.Property(m => m.Id).ValueGeneratedNever();
        builder.Property(m => m.DiedAt).HasDefaultValueSql("now()");
    }
}

internal sealed class InboxMessageConfiguration : IEntityTypeConfiguration<InboxMessage>
{
    public void Configure(EntityTypeBuilder<InboxMessage> builder)
    {
        builder.ToTable("inbox");
        builder.HasKey(m => new { m.Consumer, m.MessageId });
        builder.Property(m => m.At).HasDefaultValueSql("now()");
        builder.HasIndex(m => m.At);
    }
}
