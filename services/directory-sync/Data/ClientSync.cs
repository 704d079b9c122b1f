using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Rollcall.Api.Directory.V1;

namespace Rollcall.DirectorySync.Data;

/// <summary>
/// A client's place in the schedule: who works on it, until when, and where its delta streams stand. All times are the
/// database's. A quiet poll writes this row and nothing else.
/// </summary>
public sealed class ClientSync
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public required Guid DirectoryTenantId { get; set; }

    /// <summary>When the client is due. While leased it is the end of the lease: an expired lease is simply due again.</summary>
    public DateTimeOffset NextAt { get; set; }
    public TimeSpan Every { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Of those that are due, lower comes first: 0 asked for by a person, 1 hinted at by Microsoft, 5 by schedule.</summary>
    public short Priority { get; set; } = 5;
    public bool Disabled { get; set; }
    public string? Owner { get; set; }
    public DateTimeOffset? ClaimedAt { get; set; }

    /// <summary>The last hint that mattered; later than the claim, it came while the sync ran.</summary>
    public DateTimeOffset? HintedAt { get; set; }

    /// <summary>Raised by every claim; whoever commits with an older one commits nothing.</summary>
    public long Fence { get; set; }
    public int Failures { get; set; }

    /// <summary>The delta links; null: the next round is a full one.</summary>
    public string? UsersCursor { get; set; }
    public string? GroupsCursor { get; set; }

    /// <summary>Raised with the cursors: a cached pair counts only if it has this number.</summary>
    public long CursorVersion { get; set; }

    /// <summary>The property set the cursors belong to; another one means another stream.</summary>
    public string? CursorSelect { get; set; }
    public DateTimeOffset? LastSuccessAt { get; set; }

    /// <summary>Set with the first page put into staged_page: only then a round has to look there.</summary>
    public bool HasPages { get; set; }

    /// <summary>The run somebody asked for; null for a poll by schedule.</summary>
    public Guid? RequestedRunId { get; set; }
    public bool RequestedFull { get; set; }

    /// <summary>When the first escrowed object is to be read again; null when there is none. By the clock people see.</summary>
    public DateTimeOffset? EscrowDueAt { get; set; }
}

/// <summary>When a job of the whole service is due; whoever locks the row does it. Knows no tenant.</summary>
public sealed class HousekeepingRow
{
    public required string Job { get; init; }
    public DateTimeOffset NextAt { get; set; }
}

/// <summary>A client's health as last announced; written when it changes.</summary>
public sealed class ClientHealth
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public required HealthState State { get; set; }
    public required DateTimeOffset Since { get; set; }
    public string Problem { get; set; } = "";
    public string ErrorCode { get; set; } = "";
    public FixOwner Owner { get; set; } = FixOwner.Nobody;
    public string Remedy { get; set; } = "";
    public long Revision { get; set; } = 1;
}

internal sealed class ClientSyncConfiguration : IEntityTypeConfiguration<ClientSync>
{
    public void Configure(EntityTypeBuilder<ClientSync> builder)
    {
        builder.ToTable("client_sync");
        builder.HasKey(s => s.ClientId);
        builder.Property(s => s.NextAt).HasDefaultValueSql("now()");
        builder.Property(s => s.HasPages).HasDefaultValue(false);
        builder.HasIndex(s => new { s.Priority, s.NextAt }).HasFilter("not disabled");
    }
}

internal sealed class ClientHealthConfiguration : IEntityTypeConfiguration<ClientHealth>
{
    public void Configure(EntityTypeBuilder<ClientHealth> builder)
    {
        builder.ToTable("client_health");
        builder.HasKey(h => h.ClientId);
    }
}

internal sealed class HousekeepingConfiguration : IEntityTypeConfiguration<HousekeepingRow>
{
    public void Configure(EntityTypeBuilder<HousekeepingRow> builder)
    {
        builder.ToTable("housekeeping");
        builder.HasKey(h => h.Job);
        builder.Property(h => h.NextAt).HasDefaultValueSql("now()");
    }
}
