using System.Security.Cryptography.X509Certificates;

namespace Rollcall.Local;

/// <summary>Asks services whether they are ready.</summary>
public static class Http
{
    private static readonly HttpClient Plain = Client(caFile: null);

    public static Func<CancellationToken, Task<bool>> IsReady(string address, HttpClient? client = null) =>
        ct => AnswersAsync(client ?? Plain, new($"{address}/health/ready"), ct);

    public static Func<CancellationToken, Task<bool>> Answers(string address) =>
        ct => AnswersAsync(Plain, new(address), ct);

    /// <param name="caFile">Trusted instead of the machine's roots.</param>
    public static HttpClient Client(string? caFile)
    {
        var handler = new SocketsHttpHandler { UseProxy = false };
        if (caFile is not null)
        {
            handler.SslOptions.CertificateChainPolicy = new()
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
                CustomTrustStore = { X509Certificate2.CreateFromPem(File.ReadAllText(caFile)) },
            };
        }

        return new(handler) { Timeout = TimeSpan.FromSeconds(3) };
    }

    private static async Task<bool> AnswersAsync(HttpClient client, Uri address, CancellationToken ct)
    {
        try
        {
            using var response = await client.GetAsync(address, ct);
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return false;
        }
    }
}
