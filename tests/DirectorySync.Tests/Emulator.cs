using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Rollcall.GraphEmulator.Model;

namespace Rollcall.DirectorySync.Tests;

/// <summary>The Graph emulator on a real TLS port, with the application certificate the service signs in with.</summary>
public sealed class Emulator : WebApplicationFactory<Tenant>
{
    public const string ClientId = "22222222-2222-4222-8222-222222222222";
    private readonly string folder = Directory.CreateTempSubdirectory("rollcall-emulator").FullName;
    private readonly X509Certificate2 tls;

    public Emulator()
    {
        tls = Create("CN=localhost", "tls.pem");
        using var application = Create("CN=rollcall", "app.pem");
        UseKestrel(o => o.Listen(IPAddress.Loopback, 0, l => l.UseHttps(tls)));
        StartServer();
        var address = Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        Address = new($"https://localhost:{new Uri(address).Port}");
        Control = new(CreateHandler()) { BaseAddress = new(Address, "/_emulator/") };
    }

    public Uri Address { get; }
    public HttpClient Control { get; }

    /// <summary>The emulator's own certificate is the CA the service is told to trust.</summary>
    public string CaFile => Path.Combine(folder, "tls.pem");
    public string ApplicationFile => Path.Combine(folder, "app.pem");

    /// <summary>Trusts this emulator alone.</summary>
    public SocketsHttpHandler CreateHandler()
    {
        var handler = new SocketsHttpHandler { UseProxy = false };
        handler.SslOptions.RemoteCertificateValidationCallback = (_, presented, _, _) =>
            presented?.GetCertHashString() == tls.GetCertHashString();
        return handler;
    }

    /// <summary>A control call that must succeed.</summary>
    public async Task<JsonElement> SendAsync(HttpMethod method, string path, object? body = null)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Content = body is null ? null : JsonContent.Create(body);
        using var response = await Control.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, $"{path}: {(int)response.StatusCode} {text}");
        return text.Length == 0 ? default : JsonElement.Parse(text);
    }

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        builder.ConfigureLogging(logging => logging.ClearProviders());
        builder.UseSetting("Emulator:Seed", "none");
        builder.UseSetting("Emulator:Apps:0:ClientId", ClientId);
        builder.UseSetting("Emulator:Apps:0:CertificateFile", ApplicationFile);
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing && Directory.Exists(folder))
        {
            Control.Dispose();
            tls.Dispose();
            Directory.Delete(folder, recursive: true);
        }
    }

    private X509Certificate2 Create(string subject, string file)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        File.WriteAllText(
            Path.Combine(folder, file),
            certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem()
        );
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), password: null);
    }
}
