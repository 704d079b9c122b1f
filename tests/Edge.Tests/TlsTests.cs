using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Grpc.Core;
using Grpc.Net.Client;
using Rollcall.Api.Directory.V1;

namespace Rollcall.Edge.Tests;

/// <summary>Production: one TLS port for both, by configuration alone.</summary>
public sealed class TlsTests(EdgeFixture fixture)
{
    [Fact]
    public async Task Production_OneTlsPort_ServesTokensAndGrpc()
    {
        using var folder = new TemporaryFolder();
        using var certificate = SelfSigned();
        var file = Path.Combine(folder.Path, "edge.pfx");
        await File.WriteAllBytesAsync(file, certificate.Export(X509ContentType.Pfx));
        var url = $"https://localhost:{EdgeFixture.FreePort()}";
        await using var edge = fixture.Start(
            ("environment", "Production"),
            ("Kestrel:Endpoints:http:Url", url),
            ("Kestrel:Endpoints:grpc:Url", null),
            ("Kestrel:Endpoints:grpc:Protocols", null),
            ("Kestrel:Certificates:Default:Path", file),
            ("Identity:Authority", url)
        );
        var (clientId, secret) = await fixture.AddAccountAsync("msp-admin", Guid.CreateVersion7());
        using var http = new HttpClient(Trusting(certificate)) { BaseAddress = new(url) };

        using var answer = await http.PostAsync(EdgeFixture.TokenPath, EdgeFixture.Form(clientId, secret));
        var token = (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("access_token").GetString();
        using var channel = GrpcChannel.ForAddress(url, new() { HttpHandler = Trusting(certificate) });
        await new ClientService.ClientServiceClient(channel).ListClientsAsync(
            new(),
            new Metadata { { "authorization", $"Bearer {token}" } }
        );

        Assert.Equal(HttpVersion.Version11, answer.Version);
        Assert.True(answer.Headers.Contains("Strict-Transport-Security"));
    }

    [Fact]
    public async Task Production_TokenOverPlainHttp_IsRefused()
    {
        await using var edge = fixture.Start(("environment", "Production"));
        var (clientId, secret) = await fixture.AddAccountAsync("msp-admin", Guid.CreateVersion7());

        using var answer = await fixture.AskForTokenAsync(clientId, secret, edge: edge);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
    }

    private static SocketsHttpHandler Trusting(X509Certificate2 certificate) =>
        new()
        {
            SslOptions = new()
            {
                CertificateChainPolicy = new()
                {
                    TrustMode = X509ChainTrustMode.CustomRootTrust,
                    CustomTrustStore = { certificate },
                    RevocationMode = X509RevocationMode.NoCheck,
                },
            },
        };

    private static X509Certificate2 SelfSigned()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }
}
