using System.Security.Claims;
using Microsoft.EntityFrameworkCore;
using OpenIddict.Abstractions;
using OpenIddict.Server;
using Rollcall.Platform;

namespace Rollcall.Edge;

/// <summary>Answers the token endpoint once OpenIddict has checked the secret: who is it, and what may it do?</summary>
public sealed class TokenRequests(Accounts accounts, TokenDbContext db, TimeProvider clock)
    : IOpenIddictServerHandler<OpenIddictServerEvents.HandleTokenRequestContext>
{
    private static readonly TimeSpan UsePrecision = TimeSpan.FromHours(1);

    public async ValueTask HandleAsync(OpenIddictServerEvents.HandleTokenRequestContext context)
    {
        var ct = context.CancellationToken;
        var account = await accounts.FindByClientIdAsync(context.Request.ClientId!, ct);
        if (account is not { DisabledAt: null })
        {
            context.Reject(OpenIddictConstants.Errors.InvalidClient, "This client is disabled.");
            return;
        }

        var asked = context.Request.GetScopes();
        if (asked.FirstOrDefault(s => !account.Scopes.Contains(s, StringComparer.Ordinal)) is { } refused)
        {
            context.Reject(OpenIddictConstants.Errors.InvalidScope, $"This client may not have the scope {refused}.");
            return;
        }

        context.SignIn(new(Identity(account, asked is [] ? account.Scopes : asked)));
        await RecordUseAsync(account, ct);
    }

    private static ClaimsIdentity Identity(Account account, IEnumerable<string> scopes)
    {
        var identity = new ClaimsIdentity("OpenIddict", Caller.Claims.Subject, Caller.Claims.Role);
        identity.SetClaim(Caller.Claims.Subject, account.ClientId);
        identity.SetClaim(Caller.Claims.Role, account.Role);
        identity.SetClaim(Caller.Claims.Msp, account.MspId?.ToString());
        identity.SetClaims(
            Caller.Claims.Clients,
            account.VisibleClientIds is { } ids ? [.. ids.Select(id => id.ToString())] : ["*"]
        );
        identity.SetScopes(scopes);
        identity.SetResources(ServiceHost.Audience);
        identity.SetDestinations(_ => [OpenIddictConstants.Destinations.AccessToken]);
        return identity;
    }

    private async Task RecordUseAsync(Account account, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        if (account.LastUsedAt > now - UsePrecision)
        {
            return;
        }

        await db
            .Accounts.Where(a => a.Id == account.Id)
            .ExecuteUpdateAsync(set => set.SetProperty(a => a.LastUsedAt, now), ct);
    }
}
