using System.Buffers.Text;
using System.Security.Cryptography;
using Microsoft.Extensions.Options;
using OpenIddict.Abstractions;
using OpenIddict.Core;

namespace Rollcall.Edge;

/// <summary>OpenIddict's view of the accounts, with Rollcall's secrets: random, prefixed, two at a time while one is replaced.</summary>
public sealed class Accounts(
    IOpenIddictApplicationCache<Account> cache,
    ILogger<OpenIddictApplicationManager<Account>> logger,
    IOptionsMonitor<OpenIddictCoreOptions> options,
    IOpenIddictApplicationStore<Account> store,
    TimeProvider clock
) : OpenIddictApplicationManager<Account>(cache, logger, options, store)
{
    /// <summary>Secret scanners find leaked secrets by their prefix.</summary>
    public const string SecretPrefix = "rcs_";

    /// <summary>What every account may do at the OAuth endpoints.</summary>
    private const string Permissions = $"""
        ["{OpenIddictConstants.Permissions.Endpoints.Token}","{OpenIddictConstants
            .Permissions
            .GrantTypes
            .ClientCredentials}"]
        """;

    public static string NewSecret() => SecretPrefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    /// <summary>A new account, not yet saved.</summary>
    public async Task<Account> NewAsync(
        string clientId,
        string secret,
        string role,
        Guid? requestId,
        CancellationToken ct
    ) =>
        new()
        {
            Id = Guid.CreateVersion7(),
            ClientId = clientId,
            ClientType = OpenIddictConstants.ClientTypes.Confidential,
            ClientSecret = await HashAsync(secret, ct),
            Permissions = Permissions,
            Role = role,
            RequestId = requestId,
            CreatedAt = clock.GetUtcNow(),
        };

    public ValueTask<string> HashAsync(string secret, CancellationToken ct) => ObfuscateClientSecretAsync(secret, ct);

    public override async ValueTask<bool> ValidateClientSecretAsync(
        Account application,
        string secret,
        CancellationToken cancellationToken = default
    ) =>
        await base.ValidateClientSecretAsync(application, secret, cancellationToken)
        || (
            application.OldSecret is { } old
            && clock.GetUtcNow() < application.OldSecretEndsAt
            && await ValidateClientSecretAsync(secret, old, cancellationToken)
        );
}
