using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Rollcall.Api.Directory.V1;

namespace Rollcall.DirectorySync.Data;

/// <summary>A client's consent for its Microsoft 365 directory, as recorded.</summary>
public sealed class Connection
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public required ConnectionState State { get; set; }

    /// <summary>Null until somebody consented.</summary>
    public Guid? DirectoryTenantId { get; set; }
    public List<string> GrantedPermissions { get; set; } = [];
    public required string RequestedBy { get; set; }
    public DateTimeOffset? ConsentedAt { get; set; }
    public DateTimeOffset? VerifiedAt { get; set; }

    /// <summary>Which part of the directory becomes the roster: see ImportScope in connection_service.proto.</summary>
    public ImportedPeople ImportPeople { get; set; } = ImportedPeople.All;
    public List<Guid> ImportPeopleGroups { get; set; } = [];

    /// <summary>ImportRule's JSON.</summary>
    public string ImportConditions { get; set; } = "[]";
    public ImportedGroups ImportGroups { get; set; } = ImportedGroups.All;
    public List<Guid> ImportGroupIds { get; set; } = [];
    public long ImportRevision { get; set; }

    /// <summary>People outside, as last told in a roster version.</summary>
    public long OutsideCount { get; set; }
}

/// <summary>Somebody who meets the conditions of the import scope, where people are imported by conditions.</summary>
public sealed class ImportMatch
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public required Guid ObjectId { get; init; }
}

internal sealed class ImportMatchConfiguration : IEntityTypeConfiguration<ImportMatch>
{
    public void Configure(EntityTypeBuilder<ImportMatch> builder)
    {
        builder.ToTable("import_match");
        builder.HasKey(m => new { m.ClientId, m.ObjectId });
    }
}

/// <summary>An open question to a client's administrator. The state parameter carries its secret; only a hash is kept.</summary>
public sealed class ConsentRequest
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public required byte[] SecretHash { get; init; }

    /// <summary>The directory that must answer; null accepts any.</summary>
    public Guid? DirectoryTenantId { get; init; }
    public required string RequestedBy { get; init; }
    public required DateTimeOffset ExpiresAt { get; init; }
    public DateTimeOffset? UsedAt { get; set; }
}

internal sealed class ConnectionConfiguration : IEntityTypeConfiguration<Connection>
{
    public void Configure(EntityTypeBuilder<Connection> builder)
    {
        builder.ToTable("connection");
        builder.HasKey(c => c.ClientId);

        builder
            .Property(c => c.ImportPeople)
            .HasDefaultValue(ImportedPeople.All)
            .HasSentinel(ImportedPeople.Unspecified);
        builder
            .Property(c => c.ImportGroups)
            .HasDefaultValue(ImportedGroups.All)
            .HasSentinel(ImportedGroups.Unspecified);
        builder.Property(c => c.ImportConditions).HasColumnType("jsonb").HasDefaultValueSql("'[]'");
        builder.Property(c => c.ImportPeopleGroups).HasDefaultValueSql("'{}'");
        builder.Property(c => c.ImportGroupIds).HasDefaultValueSql("'{}'");

        // A directory belongs to one client of one MSP.
        builder
            .HasIndex(c => c.DirectoryTenantId)
            .IsUnique()
            .HasFilter($"state in ({(int)ConnectionState.Connected}, {(int)ConnectionState.Broken})");
    }
}

internal sealed class ConsentRequestConfiguration : IEntityTypeConfiguration<ConsentRequest>
{
    public void Configure(EntityTypeBuilder<ConsentRequest> builder)
    {
        builder.ToTable("consent_request");
        builder.HasKey(r => new { r.ClientId, r.SecretHash });
    }
}
