using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.IdentityModel.JsonWebTokens;
using Rollcall.Platform;

namespace Rollcall.Edge.Tests;

public sealed class TokenTests(EdgeFixture fixture)
{
    private readonly Guid msp = Guid.CreateVersion7();

    [Fact]
    public async Task Token_Partner_CarriesItsMspClientsAndScopes()
    {
        Guid[] clients = [Guid.CreateVersion7(), Guid.CreateVersion7()];
        var (clientId, secret) = await fixture.AddAccountAsync("partner", msp, clients, "roster.read", "tickets");

        var token = new JsonWebToken(await fixture.TokenOfAsync(clientId, secret));

        Assert.Equal("https://rollcall.example/", token.Issuer);
        Assert.Equal(["rollcall"], token.Audiences);
        Assert.Equal(OpenIdServer.TokenLifetime, token.ValidTo - token.IssuedAt);
        Assert.Equal(
            new Caller(clientId, Api.Options.V1.Role.Unspecified, msp, clients, IsService: false, []) with
            {
                ClientIds = null,
                Scopes = [],
            },
            CallerOf(token) with
            {
                ClientIds = null,
                Scopes = [],
            }
        );
        Assert.Equal(clients, CallerOf(token).ClientIds);
        Assert.Equal(["roster.read", "tickets"], CallerOf(token).Scopes);
    }

    [Fact]
    public async Task Token_NoClientListAndAnEmptyOne_AreAllAndNone()
    {
        var all = CallerOf(new(await fixture.TokenAsync("msp-admin", msp)));
        var none = CallerOf(new(await fixture.TokenAsync("client-viewer", msp, [])));

        Assert.Null(all.ClientIds);
        Assert.Equal([], none.ClientIds);
    }

    [Fact]
    public async Task Token_OfAService_HasTheServiceRoleAndNoMsp()
    {
        var caller = CallerOf(new(await fixture.TokenOfAsync("edge", "edge-secret")));

        Assert.True(caller.IsService);
        Assert.Null(caller.MspId);
    }

    [Fact]
    public async Task Token_SomeScopesAskedFor_GrantsThose()
    {
        var (clientId, secret) = await fixture.AddAccountAsync("partner", msp, null, "roster.read", "tickets");

        using var answer = await fixture.AskForTokenAsync(clientId, secret, "tickets");
        var body = await answer.Content.ReadFromJsonAsync<JsonElement>();

        Assert.Equal(["tickets"], CallerOf(new(body.GetProperty("access_token").GetString())).Scopes);
    }

    [Fact]
    public async Task Token_ScopeTheClientDoesNotHave_IsInvalidScope()
    {
        var (clientId, secret) = await fixture.AddAccountAsync("partner", msp, null, "tickets");

        Assert.Equal("invalid_scope", await ErrorAsync(clientId, secret, "tickets clients.write"));
    }

    [Fact]
    public async Task Token_WrongSecretOrUnknownClient_IsInvalidClient()
    {
        var (clientId, secret) = await fixture.AddAccountAsync("msp-admin", msp);

        Assert.Equal("invalid_client", await ErrorAsync(clientId, secret + "x"));
        Assert.Equal("invalid_client", await ErrorAsync("nobody", secret));
    }

    [Fact]
    public async Task Token_DisabledCaller_IsInvalidClient()
    {
        var (clientId, secret) = await fixture.AddAccountAsync("msp-admin", msp);
        await fixture.Edge.AccountsAsync(
            (_, db) =>
                db
                    .Accounts.Where(a => a.ClientId == clientId)
                    .ExecuteUpdateAsync(s => s.SetProperty(a => a.DisabledAt, fixture.Clock.GetUtcNow()))
        );

        Assert.Equal("invalid_client", await ErrorAsync(clientId, secret));
    }

    [Fact]
    public async Task Token_OtherGrant_IsRefused()
    {
        using var answer = await fixture.Edge.Http.PostAsync(
            new Uri("/connect/token", UriKind.Relative),
            new FormUrlEncodedContent([new("grant_type", "password"), new("username", "a"), new("password", "b")])
        );

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("unsupported_grant_type", await ErrorAsync(answer));
    }

    [Fact]
    public async Task Token_SecretInTheAuthorizationHeader_Works()
    {
        var (clientId, secret) = await fixture.AddAccountAsync("msp-admin", msp);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/connect/token")
        {
            Content = new FormUrlEncodedContent([new("grant_type", "client_credentials")]),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue(
            "Basic",
            Convert.ToBase64String(Encoding.UTF8.GetBytes($"{clientId}:{secret}"))
        );

        using var answer = await fixture.Edge.Http.SendAsync(request);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task Token_Issued_RecordsTheUseAndStoresNoToken()
    {
        var (clientId, secret) = await fixture.AddAccountAsync("msp-admin", msp);

        await fixture.TokenOfAsync(clientId, secret);

        await fixture.Edge.AccountsAsync(
            async (_, db) =>
            {
                var account = await db.Accounts.SingleAsync(a => a.ClientId == clientId);
                Assert.NotNull(account.LastUsedAt);
            }
        );
        Assert.Equal(0, await fixture.Edge.DbAsync(Tenant.WholeMsp(msp), db => db.Set<OAuthToken>().CountAsync()));
    }

    [Fact]
    public async Task Discovery_Always_HasTheFixedIssuerAndReachableKeys()
    {
        var discovery = await fixture.Edge.Http.GetFromJsonAsync<JsonElement>("/.well-known/openid-configuration");
        var keys = await fixture.Edge.Http.GetFromJsonAsync<JsonElement>(discovery.GetProperty("jwks_uri").GetString());

        Assert.Equal("https://rollcall.example/", discovery.GetProperty("issuer").GetString());
        Assert.StartsWith(fixture.Edge.Http.BaseAddress!.ToString(), discovery.GetProperty("jwks_uri").GetString());
        Assert.All(keys.GetProperty("keys").EnumerateArray(), k => Assert.False(k.TryGetProperty("d", out _)));
    }

    [Fact]
    public async Task Token_TooManyRequestsFromOneAddress_Answers429()
    {
        await using var edge = fixture.Start(("Edge:Limits:SignInBurst", "2"), ("Edge:Limits:SignInsPerSecond", "1"));

        var codes = new List<HttpStatusCode>();
        for (var i = 0; i < 3; i++)
        {
            using var answer = await fixture.AskForTokenAsync("nobody", "x", edge: edge);
            codes.Add(answer.StatusCode);
            Assert.Equal(answer.StatusCode == HttpStatusCode.TooManyRequests, answer.Headers.RetryAfter is not null);
        }

        Assert.Equal([HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized, HttpStatusCode.TooManyRequests], codes);
    }

    private static Caller CallerOf(JsonWebToken token) =>
        Caller.From(new(new System.Security.Claims.ClaimsIdentity(token.Claims)));

    private async Task<string> ErrorAsync(string clientId, string secret, string? scope = null)
    {
        using var answer = await fixture.AskForTokenAsync(clientId, secret, scope);
        Assert.False(answer.IsSuccessStatusCode);
        return await ErrorAsync(answer);
    }

    private static async Task<string> ErrorAsync(HttpResponseMessage answer) =>
        (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("error").GetString()!;
}
