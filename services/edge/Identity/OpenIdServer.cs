using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;
using OpenIddict.Core;
using OpenIddict.Server;
using Rollcall.Platform;

namespace Rollcall.Edge;

/// <summary>The OAuth server: client credentials in, signed access tokens out, nothing stored per token.</summary>
public static class OpenIdServer
{
    public const string TokenPath = "/connect/token";
    public static readonly TimeSpan TokenLifetime = TimeSpan.FromMinutes(15);

    public static void Add(WebApplicationBuilder builder)
    {
        var configuration = builder.Configuration;
        builder.Services.AddDbContext<TokenDbContext>(options =>
            options
                .UseNpgsql(EF.IsDesignTime ? "Host=none" : configuration.RequiredConnectionString("worker"))
                .UseSnakeCaseNamingConvention()
        );
        builder.Services.AddSingleton(_ => new KeyFolder(configuration.Required("Edge:SigningKeys")));
        builder.Services.AddSingleton<SigningKeys>();
        builder.Services.AddHostedService(p => p.GetRequiredService<SigningKeys>());
        builder.Services.AddSingleton<IOptionsChangeTokenSource<OpenIddictServerOptions>>(p =>
            p.GetRequiredService<SigningKeys>()
        );
        builder
            .Services.AddOpenIddict()
            .AddCore(core =>
            {
                core.UseEntityFrameworkCore()
                    .UseDbContext<TokenDbContext>()
                    .ReplaceDefaultEntities<Account, OAuthAuthorization, OAuthScope, OAuthToken, Guid>();
                core.ReplaceApplicationManager<Account, Accounts>();
            })
            .AddServer(server => Configure(server, builder));
        builder.Services.AddScoped(p => (Accounts)p.GetRequiredService<OpenIddictApplicationManager<Account>>());
        builder
            .Services.AddOptions<OpenIddictServerOptions>()
            .Configure<SigningKeys>((options, keys) => AddKeys(options, keys.Current, Issuer(configuration)));
        builder.Services.AddHostedService<BootstrapAccounts>();

        // Edge knows its own keys: it does not ask itself over HTTP.
        builder
            .Services.AddOptions<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme)
            .Configure<SigningKeys>(
                (options, keys) =>
                {
                    options.Configuration = new OpenIdConnectConfiguration { Issuer = Issuer(configuration) };
                    options.TokenValidationParameters.IssuerSigningKeyResolver = (_, _, kid, _) =>
                        keys.Current.Signing.Where(k => k.KeyId == kid);
                    options.TokenValidationParameters.ValidAlgorithms = [SecurityAlgorithms.RsaSha256];
                    options.TokenValidationParameters.ValidTypes = ["at+jwt"];
                }
            );
    }

    private static void Configure(OpenIddictServerBuilder server, WebApplicationBuilder builder)
    {
        server
            .SetTokenEndpointUris(TokenPath)
            .AllowClientCredentialsFlow()
            .SetAccessTokenLifetime(TokenLifetime)
            .RegisterScopes([.. PublicApi.Scopes])
            .DisableAccessTokenEncryption()
            // A token is good for 15 minutes by its signature alone; a row per token would only be there to be pruned.
            .DisableTokenStorage()
            .DisableAuthorizationStorage()
            // The account says which scopes it may have: TokenRequests.
            .DisableScopeValidation()
            .IgnoreScopePermissions()
            .AddEventHandler<OpenIddictServerEvents.HandleTokenRequestContext>(h =>
                h.UseScopedHandler<TokenRequests>()
            );
        var host = server.UseAspNetCore();
        if (builder.Environment.IsDevelopment())
        {
            host.DisableTransportSecurityRequirement();
        }
    }

    private static void AddKeys(OpenIddictServerOptions options, KeySet keys, string issuer)
    {
        options.Issuer = new(issuer);

        // Tokens live in real time: the services that check them know no development clock.
        options.TimeProvider = TimeProvider.System;
        options.SigningCredentials.AddRange(
            keys.Signing.Select(k => new SigningCredentials(k, SecurityAlgorithms.RsaSha256))
        );
        options.EncryptionCredentials.Add(
            new(keys.Encryption, SecurityAlgorithms.Aes256KW, SecurityAlgorithms.Aes256CbcHmacSha512)
        );
    }

    private static string Issuer(IConfiguration configuration) => configuration.Required("Identity:Issuer");
}
