using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Rollcall.Reporting.Data;

/// <summary>
/// A client as one revision of it was. Its zone says when a day ended; moving the client to another zone must not move
/// the days that are over.
/// </summary>
public sealed class ClientHistory
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public required long Revision { get; init; }

    /// <summary>When it was observed.</summary>
    public required DateTimeOffset ValidFrom { get; init; }
    public required string DisplayName { get; init; }
    public required string TimeZone { get; init; }
    public required string MspDisplayName { get; init; }
}

internal sealed class ClientHistoryConfiguration : IEntityTypeConfiguration<ClientHistory>
{
    public void Configure(EntityTypeBuilder<ClientHistory> client)
    {
        client.ToTable("client_history");
        client.HasKey(c => new { c.ClientId, c.Revision });
    }
}
