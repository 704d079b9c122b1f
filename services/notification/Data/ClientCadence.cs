using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Rollcall.Notification.Data;

/// <summary>When a client's people are reminded. No row: the default.</summary>
public sealed class ClientCadence
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }

    /// <summary>Days relative to the due day, rising.</summary>
    public int[] Steps { get; set; } = [-7, -1, 3];
    public TimeOnly SendAt { get; set; } = new(9, 0);

    /// <summary>Both null: no quiet hours.</summary>
    public TimeOnly? QuietFrom { get; set; }
    public TimeOnly? QuietUntil { get; set; }

    /// <summary>Steps that passed before are not made up for.</summary>
    public DateTimeOffset EffectiveAt { get; set; } = DateTimeOffset.UnixEpoch;
    public uint Version { get; private init; }
}

internal sealed class ClientCadenceConfiguration : IEntityTypeConfiguration<ClientCadence>
{
    public void Configure(EntityTypeBuilder<ClientCadence> builder)
    {
        builder.ToTable("cadence");
        builder.HasKey(c => c.ClientId);
        builder.Property(c => c.Version).IsRowVersion();
    }
}
