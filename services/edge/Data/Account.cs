using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using OpenIddict.EntityFrameworkCore.Models;

namespace Rollcall.Edge;

/// <summary>A caller that can sign in: OpenIddict's application row, with what Rollcall's access tokens say of it.</summary>
public sealed class Account : OpenIddictEntityFrameworkCoreApplication<Guid, OAuthAuthorization, OAuthToken>
{
    /// <summary>Value of the role claim: one of <see cref="Roles"/>.</summary>
    public required string Role { get; set; }

    /// <summary>Null for services and platform admins.</summary>
    public Guid? MspId { get; set; }

    /// <summary>The clients it may see; null means every client of the MSP.</summary>
    public List<Guid>? VisibleClientIds { get; set; }

    public List<string> Scopes { get; set; } = [];

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>To the hour, so that signing in writes at most once an hour. Null if it never signed in.</summary>
    public DateTimeOffset? LastUsedAt { get; set; }

    /// <summary>Null while it may sign in.</summary>
    public DateTimeOffset? DisabledAt { get; set; }

    /// <summary>The request that created it; null for those of the bootstrap file.</summary>
    public Guid? RequestId { get; init; }

    /// <summary>Hash of the secret before the last rotation, good until <see cref="OldSecretEndsAt"/>; null if there is none.</summary>
    public string? OldSecret { get; set; }
    public DateTimeOffset? OldSecretEndsAt { get; set; }
}

/// <summary>OpenIddict's other tables: they stay empty while client credentials are the only grant.</summary>
public sealed class OAuthAuthorization : OpenIddictEntityFrameworkCoreAuthorization<Guid, Account, OAuthToken>;

public sealed class OAuthToken : OpenIddictEntityFrameworkCoreToken<Guid, Account, OAuthAuthorization>;

public sealed class OAuthScope : OpenIddictEntityFrameworkCoreScope<Guid>;

public sealed class AccountConfiguration : IEntityTypeConfiguration<Account>
{
    public void Configure(EntityTypeBuilder<Account> builder)
    {
        builder.ToTable("account");

        // Not client_id: that column name means a company, and would put the row under its row policy.
        builder.Property(a => a.ClientId).HasColumnName("oauth_client_id");
        builder.Property(a => a.Role).HasMaxLength(30);
        builder.Property(a => a.DisplayName).HasMaxLength(200);

        // A repeated request finds the account of the first one.
        builder.HasIndex(a => new { a.MspId, a.RequestId }).IsUnique();
        builder.HasIndex(a => a.DisabledAt);
    }
}

public sealed class OAuthAuthorizationConfiguration : IEntityTypeConfiguration<OAuthAuthorization>
{
    public void Configure(EntityTypeBuilder<OAuthAuthorization> builder) => builder.ToTable("oauth_authorization");
}

public sealed class OAuthTokenConfiguration : IEntityTypeConfiguration<OAuthToken>
{
    public void Configure(EntityTypeBuilder<OAuthToken> builder) => builder.ToTable("oauth_token");
}

public sealed class OAuthScopeConfiguration : IEntityTypeConfiguration<OAuthScope>
{
    public void Configure(EntityTypeBuilder<OAuthScope> builder) => builder.ToTable("oauth_scope");
}
