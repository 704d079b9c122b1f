using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.Logging;
using Rollcall.GraphEmulator.Model;

namespace Rollcall.GraphEmulator.Tests;

/// <summary>The emulator in this process, with one application that has a secret and a certificate.</summary>
public sealed class EmulatorFixture : WebApplicationFactory<Tenant>
{
    public const string ClientId = "11111111-1111-4111-8111-111111111111";
    public const string Secret = "swordfish";
    private readonly string certificateFile = Path.GetTempFileName();

    public EmulatorFixture()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=rollcall", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var now = TimeProvider.System.GetUtcNow();
        Certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        File.WriteAllText(certificateFile, Certificate.ExportCertificatePem());
        ClientOptions.BaseAddress = new("https://localhost/");
        ClientOptions.AllowAutoRedirect = false;
        Http = CreateClient();
    }

    public X509Certificate2 Certificate { get; }
    public HttpClient Http { get; }

    /// <summary>A tenant of this test alone, consented unless said otherwise.</summary>
    public async Task<TestTenant> TenantAsync(object? order = null)
    {
        var created = await SendAsync(HttpMethod.Post, "/_emulator/tenants", order ?? new { consented = true });
        return new(this, created.GetProperty("id").GetGuid());
    }

    /// <summary>A control call that must succeed.</summary>
    public async Task<JsonElement> SendAsync(HttpMethod method, string path, object? body = null)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Content = body is null ? null : JsonContent.Create(body);
        using var response = await Http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, $"{path}: {(int)response.StatusCode} {text}");
        return text.Length == 0 ? default : JsonElement.Parse(text);
    }

    public async Task<HttpResponseMessage> GraphAsync(
        string token,
        string address,
        HttpMethod? method = null,
        object? body = null,
        string? prefer = null
    )
    {
        using var request = new HttpRequestMessage(method ?? HttpMethod.Get, address);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        request.Content = body is null ? null : JsonContent.Create(body);
        if (prefer is not null)
        {
            request.Headers.Add("Prefer", prefer);
        }

        return await Http.SendAsync(request);
    }

    public async Task<HttpResponseMessage> SignInAsync(
        string tenant,
        string secret = Secret,
        string clientId = ClientId,
        string scope = "https://graph.microsoft.com/.default"
    )
    {
        using var form = new FormUrlEncodedContent(
            new Dictionary<string, string>
            {
                ["client_id"] = clientId,
                ["client_secret"] = secret,
                ["grant_type"] = "client_credentials",
                ["scope"] = scope,
            }
        );
        return await Http.PostAsync($"/{tenant}/oauth2/v2.0/token", form);
    }

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        builder.ConfigureLogging(logging => logging.ClearProviders());
        builder.UseSetting("Emulator:Seed", "none");
        builder.UseSetting("Emulator:Apps:0:ClientId", ClientId);
        builder.UseSetting("Emulator:Apps:0:Secret", Secret);
        builder.UseSetting("Emulator:Apps:0:CertificateFile", certificateFile);
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        File.Delete(certificateFile);
    }
}
