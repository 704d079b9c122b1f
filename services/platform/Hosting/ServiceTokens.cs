using System.Net.Http.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Configuration;

namespace Rollcall.Platform;

/// <summary>The service's own access token, from edge by client credentials, renewed a minute before it ends.</summary>
public sealed class ServiceTokens(IHttpClientFactory http, IConfiguration configuration) : IDisposable
{
    /// <summary>Tokens live in real time: a development clock set back must not keep a dead one alive.</summary>
    private static readonly TimeProvider Clock = TimeProvider.System;
    private readonly SemaphoreSlim gate = new(1);
    private string token = "";
    private DateTimeOffset renewAt;

    public async Task<string> GetAsync(CancellationToken ct)
    {
        if (Clock.GetUtcNow() < renewAt)
        {
            return token;
        }

        await gate.WaitAsync(ct);
        try
        {
            if (Clock.GetUtcNow() >= renewAt)
            {
                await RenewAsync(ct);
            }

            return token;
        }
        finally
        {
            gate.Release();
        }
    }

    public void Dispose() => gate.Dispose();

    private async Task RenewAsync(CancellationToken ct)
    {
        using var client = http.CreateClient("identity");
        using var form = new FormUrlEncodedContent(
            new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["grant_type"] = "client_credentials",
                ["client_id"] = configuration.Required("Identity:ClientId"),
                ["client_secret"] = configuration.Required("Identity:ClientSecret"),
            }
        );
        using var answer = await client.PostAsync(
            new Uri($"{configuration.Required("Identity:Authority")}/connect/token"),
            form,
            ct
        );
        answer.EnsureSuccessStatusCode();
        var body = (await answer.Content.ReadFromJsonAsync<TokenAnswer>(ct))!;
        token = body.AccessToken;
        renewAt = Clock.GetUtcNow().AddSeconds(body.ExpiresIn - 60);
    }

    private sealed record TokenAnswer(
        [property: JsonPropertyName("access_token")] string AccessToken,
        [property: JsonPropertyName("expires_in")] int ExpiresIn
    );
}
