using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Identity;

namespace Rollcall.GraphEmulator.Tests;

public sealed class SignInTests(EmulatorFixture emulator) : IClassFixture<EmulatorFixture>
{
    [Fact]
    public async Task Token_CertificateThroughAzureIdentity_OpensGraph()
    {
        var tenant = await emulator.TenantAsync(new { users = 1, consented = true });

        var token = await CredentialOf(tenant, emulator.Certificate).GetTokenAsync(Scope, default);
        using var answer = await emulator.GraphAsync(token.Token, "/v1.0/users");

        Assert.True(answer.IsSuccessStatusCode);
        Assert.Equal(
            ["User.Read.All", "GroupMember.Read.All"],
            Claims(token.Token).Array("roles").Select(r => r.GetString())
        );
        Assert.Equal(tenant.Id, Claims(token.Token).GetProperty("tid").GetGuid());
    }

    [Fact]
    public async Task Token_UnknownCertificate_Is700027()
    {
        var tenant = await emulator.TenantAsync();
        using var key = RSA.Create(2048);
        var now = TimeProvider.System.GetUtcNow();
        using var other = new CertificateRequest(
            "CN=other",
            key,
            HashAlgorithmName.SHA256,
            RSASignaturePadding.Pkcs1
        ).CreateSelfSigned(now, now.AddDays(1));

        var error = await Assert.ThrowsAsync<AuthenticationFailedException>(async () =>
            await CredentialOf(tenant, other).GetTokenAsync(Scope, default)
        );

        Assert.Contains("AADSTS700027", error.InnerException!.Message);
    }

    [Theory]
    [InlineData("wrong secret", 7000215, "invalid_client", 401)]
    [InlineData("not consented", 700016, "unauthorized_client", 400)]
    [InlineData("principal deleted", 700016, "unauthorized_client", 400)]
    [InlineData("principal deleted, other code", 7000229, "invalid_client", 401)]
    [InlineData("principal disabled", 7000112, "unauthorized_client", 400)]
    [InlineData("unknown tenant", 90002, "invalid_request", 400)]
    [InlineData("malformed tenant", 900023, "invalid_request", 400)]
    [InlineData("bad scope", 70011, "invalid_scope", 400)]
    [InlineData("chosen for the tenant", 53003, "invalid_grant", 400)]
    public async Task Token_Refused_NamesTheCode(string situation, int code, string error, int status)
    {
        var tenant = await emulator.TenantAsync(new { consented = situation != "not consented" });
        var name = tenant.Id.ToString();
        switch (situation)
        {
            case "principal deleted, other code":
                await tenant.SettingsAsync(new { servicePrincipalGoneCode = 7000229 });
                goto case "principal deleted";
            case "principal deleted":
                await tenant.ControlAsync(HttpMethod.Delete, "service-principal");
                break;
            case "principal disabled":
                await tenant.ControlAsync(HttpMethod.Post, "service-principal/disable");
                break;
            case "unknown tenant":
                name = Guid.CreateVersion7().ToString();
                break;
            case "malformed tenant":
                name = "nonsense";
                break;
            case "chosen for the tenant":
                await tenant.SettingsAsync(new { signInError = 53003 });
                break;
            default:
                break;
        }

        using var response = await emulator.SignInAsync(
            name,
            situation == "wrong secret" ? "x" : EmulatorFixture.Secret,
            scope: situation == "bad scope" ? "User.Read" : "https://graph.microsoft.com/.default"
        );
        var body = await response.Content.ReadFromJsonAsync<JsonElement>();

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(error, body.Text("error"));
        Assert.Equal(code, body.GetProperty("error_codes")[0].GetInt32());
        Assert.StartsWith($"AADSTS{code}: ", body.Text("error_description"));
    }

    [Fact]
    public async Task Token_SecretExpired_FailsInEveryTenant()
    {
        var (one, other) = (await emulator.TenantAsync(), await emulator.TenantAsync());
        await emulator.SendAsync(
            HttpMethod.Put,
            $"/_emulator/apps/{EmulatorFixture.ClientId}",
            new { secretExpired = true }
        );

        using var first = await emulator.SignInAsync(one.Id.ToString());
        using var second = await emulator.SignInAsync(other.Id.ToString());
        await emulator.SendAsync(
            HttpMethod.Put,
            $"/_emulator/apps/{EmulatorFixture.ClientId}",
            new { secretExpired = false }
        );

        Assert.Contains("7000222", await first.Content.ReadAsStringAsync());
        Assert.Contains("7000222", await second.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Permission_RevokedWhileTheTokenLives_ShowsWithTheNextToken()
    {
        var tenant = await emulator.TenantAsync();
        await tenant.GetAsync("/v1.0/users");
        await tenant.ControlAsync(HttpMethod.Delete, "permissions/User.Read.All");

        await tenant.GetAsync("/v1.0/users");
        tenant.SignOut();

        Assert.Equal((403, "Authorization_RequestDenied"), await tenant.FailAsync("/v1.0/users"));
    }

    [Fact]
    public async Task Permission_NoneLeft_TokenComesWithoutRoles()
    {
        var tenant = await emulator.TenantAsync();
        await tenant.ControlAsync(HttpMethod.Delete, "permissions/User.Read.All");
        await tenant.ControlAsync(HttpMethod.Delete, "permissions/GroupMember.Read.All");

        using var response = await emulator.SignInAsync(tenant.Id.ToString());
        var body = await response.Content.ReadFromJsonAsync<JsonElement>();

        Assert.False(Claims(body.Text("access_token")!).Has("roles"));
    }

    [Fact]
    public async Task Permission_ReplicationDelay_EntersLaterTokensOnly()
    {
        var tenant = await emulator.TenantAsync();
        await tenant.SettingsAsync(new { permissionDelaySeconds = 3600 });

        Assert.Equal((403, "Authorization_RequestDenied"), await tenant.FailAsync("/v1.0/users"));

        await tenant.SettingsAsync(new { permissionDelaySeconds = 0 });
        tenant.SignOut();
        await tenant.GetAsync("/v1.0/users");
    }

    [Fact]
    public async Task Bearer_MissingForgedOrExpired_Is401()
    {
        var tenant = await emulator.TenantAsync();
        await tenant.GetAsync("/v1.0/users");
        using var missing = await emulator.Http.GetAsync("/v1.0/users");
        using var forged = await emulator.GraphAsync("a.b.c", "/v1.0/users");

        await tenant.ControlAsync(HttpMethod.Post, "tokens/expire");
        var expired = await tenant.FailAsync("/v1.0/users");

        Assert.Equal([401, 401], new[] { missing, forged }.Select(answer => (int)answer.StatusCode));
        Assert.Equal((401, "InvalidAuthenticationToken"), expired);
    }

    private static readonly TokenRequestContext Scope = new(["https://graph.microsoft.com/.default"]);

    private ClientCertificateCredential CredentialOf(TestTenant tenant, X509Certificate2 certificate) =>
        new(
            tenant.Id.ToString(),
            EmulatorFixture.ClientId,
            certificate,
            new()
            {
                AuthorityHost = new("https://localhost/"),
                DisableInstanceDiscovery = true,
                Transport = new HttpClientTransport(emulator.Http),
                Retry = { MaxRetries = 0 },
            }
        );

    private static JsonElement Claims(string token) =>
        JsonElement.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(token.Split('.')[1]));
}
