using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Options;
using Microsoft.Identity.Client;

namespace Rollcall.DirectorySync.Graph;

/// <summary>The one HTTP client for Graph and sign-in. A configured CA is trusted here and nowhere else.</summary>
public sealed class GraphHttp : IMsalHttpClientFactory, IDisposable
{
    public GraphHttp(IOptions<GraphOptions> options)
    {
        var handler = new SocketsHttpHandler
        {
            PooledConnectionLifetime = TimeSpan.FromMinutes(10),
            // How many calls there are at a time is the scheduler's business: a queue here would let hanging ones block all.
            MaxConnectionsPerServer = int.MaxValue,
            AutomaticDecompression = System.Net.DecompressionMethods.All,
            EnableMultipleHttp2Connections = true,
        };
        if (options.Value.CaFile is { Length: > 0 } file)
        {
            handler.SslOptions.CertificateChainPolicy = Trust(X509CertificateLoader.LoadCertificateFromFile(file));
        }

        Client = new(handler, disposeHandler: true) { Timeout = options.Value.CallTimeout };
    }

    public HttpClient Client { get; }

    public HttpClient GetHttpClient() => Client;

    public void Dispose() => Client.Dispose();

    private static X509ChainPolicy Trust(X509Certificate2 ca) =>
        new()
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            CustomTrustStore = { ca },
            RevocationMode = X509RevocationMode.NoCheck,
            ApplicationPolicy = { new("1.3.6.1.5.5.7.3.1") },
        };
}
