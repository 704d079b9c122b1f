using System.Net.Http.Json;
using System.Text.Json.Serialization;

namespace Rollcall.Local;

/// <summary>A caller's access token from edge's token endpoint, renewed a minute before it ends.</summary>
public sealed class AccessTokens(string endpoint, string clientId, string clientSecret) : IDisposable
{
    private static readonly TimeProvider Clock = TimeProvider.System;
    private readonly HttpClient http = new(new SocketsHttpHandler { UseProxy = false });
    private readonly SemaphoreSlim gate = new(1);
    private string token = "";
    private DateTimeOffset renewAt;

    public async Task<string> GetAsync(CancellationToken ct)
    {
        await gate.WaitAsync(ct);
        try
        {
            if (Clock.GetUtcNow() >= renewAt)
            {
                using var answer = await AskAsync(http, endpoint, clientId, clientSecret, ct);
                Expect.That(
                    answer.IsSuccessStatusCode,
                    $"a token for {clientId}",
                    $"{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(ct)}"
                );
                var issued = (await answer.Content.ReadFromJsonAsync<Issued>(ct))!;
                (token, renewAt) = (issued.AccessToken, Clock.GetUtcNow().AddSeconds(issued.ExpiresIn - 60));
            }

            return token;
        }
        finally
        {
            gate.Release();
        }
    }

    /// <summary>OAuth 2.0 client credentials, as any program would ask: RFC 6749, section 4.4.</summary>
    public static async Task<HttpResponseMessage> AskAsync(
        HttpClient http,
        string endpoint,
        string clientId,
        string clientSecret,
        CancellationToken ct
    )
    {
        using var form = new FormUrlEncodedContent(
            new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["grant_type"] = "client_credentials",
                ["client_id"] = clientId,
                ["client_secret"] = clientSecret,
            }
        );
        return await http.PostAsync(new Uri(endpoint), form, ct);
    }

    public void Dispose()
    {
        http.Dispose();
        gate.Dispose();
    }

    private sealed record Issued(
        [property: JsonPropertyName("access_token")] string AccessToken,
        [property: JsonPropertyName("expires_in")] int ExpiresIn
    );
}
