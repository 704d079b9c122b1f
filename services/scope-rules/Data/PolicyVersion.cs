using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.ChangeTracking;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Rollcall.Api.Scope.V1;

namespace Rollcall.ScopeRules.Data;

/// <summary>One version of a client's policy. Once published its audiences never change.</summary>
public sealed class PolicyVersion
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }

    /// <summary>From 1, consecutive within the client.</summary>
    public required long Version { get; init; }
    public PolicyState State { get; set; } = PolicyState.Draft;
    public required IReadOnlyList<AudienceRule> Audiences { get; set; }

    /// <summary>Null: not from a template.</summary>
    public string? TemplateKey { get; set; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required string CreatedBy { get; init; }

    /// <summary>Null while a draft.</summary>
    public DateTimeOffset? PublishedAt { get; set; }
    public string? PublishedBy { get; set; }

    /// <summary>The caller's request_id, if it gave one.</summary>
    public Guid? CreateRequestId { get; init; }
    public Guid? PublishRequestId { get; set; }

    /// <summary>Postgres' xmin: the etag.</summary>
    public uint RowVersion { get; private init; }
}

/// <summary>An audience as the policy states it.</summary>
public sealed record AudienceRule(string Key, string DisplayName, AudienceKind Kind, string Rule);

internal sealed class PolicyVersionConfiguration : IEntityTypeConfiguration<PolicyVersion>
{
    public void Configure(EntityTypeBuilder<PolicyVersion> builder)
    {
        builder.ToTable("policy");
        builder.HasKey(p => new { p.ClientId, p.Version });
        builder.Property(p => p.State).HasConversion<string>().HasMaxLength(20);
        builder.Property(p => p.TemplateKey).HasMaxLength(40);
        builder.Property(p => p.RowVersion).IsRowVersion();
        builder
            .Property(p => p.Audiences)
            .HasColumnType("jsonb")
            .HasConversion(
                audiences => JsonSerializer.Serialize(audiences, JsonSerializerOptions.Web),
                json => JsonSerializer.Deserialize<List<AudienceRule>>(json, JsonSerializerOptions.Web)!,
                new ValueComparer<IReadOnlyList<AudienceRule>>(
                    (a, b) => a!.SequenceEqual(b!),
                    audiences => audiences.Count,
                    audiences => audiences
                )
            );

        // A client has one draft and one published version at most.
        builder.HasIndex(p => p.ClientId).IsUnique().HasFilter("state = 'Draft'").HasDatabaseName("ix_policy_draft");
        builder
            .HasIndex(p => new { p.ClientId, p.State })
            .IsUnique()
            .HasFilter("state = 'Published'")
            .HasDatabaseName("ix_policy_published");
        builder.HasIndex(p => new { p.ClientId, p.CreateRequestId }).IsUnique();
        builder.HasIndex(p => new { p.ClientId, p.PublishRequestId }).IsUnique();
    }
}
