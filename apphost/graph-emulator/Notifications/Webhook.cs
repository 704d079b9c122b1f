using System.Diagnostics;

namespace Rollcall.GraphEmulator.Notifications;

/// <summary>Calls a client's notification address as Graph does: the handshake, and posts with a time limit.</summary>
public sealed class Webhook : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly HttpClient client = new() { Timeout = Patience };

    /// <summary>Null when the address echoed the token in time, else what was wrong.</summary>
    public async Task<string?> ValidateAsync(string url, CancellationToken ct)
    {
        var token =
            $"Validation: Testing client application reachability for subscription Request-Id: {Guid.CreateVersion7()}";
        var separator = url.Contains('?', StringComparison.Ordinal) ? '&' : '?';
        using var empty = new StringContent("", System.Text.Encoding.UTF8, "text/plain");
        try
        {
            var address = $"{url}{separator}validationToken={Uri.EscapeDataString(token)}";
            using var response = await client.PostAsync(address, empty, ct);
            var body = await response.Content.ReadAsStringAsync(ct);
            return response.StatusCode != System.Net.HttpStatusCode.OK
                    ? $"Notification endpoint answered {(int)response.StatusCode}."
                : response.Content.Headers.ContentType?.MediaType != "text/plain" ? "The answer is not text/plain."
                : body != token ? "The answer is not the validation token."
                : null;
        }
        catch (HttpRequestException error)
        {
            return error.Message;
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return "The request timed out.";
        }
    }

    /// <summary>Whether the post was taken (any 2xx), and how long that took.</summary>
    public async Task<(bool Taken, TimeSpan Time)> PostAsync(string url, object body, CancellationToken ct)
    {
        var started = Stopwatch.GetTimestamp();
        try
        {
            using var response = await client.PostAsJsonAsync(url, body, ct);
            return (response.IsSuccessStatusCode, Stopwatch.GetElapsedTime(started));
        }
        catch (HttpRequestException)
        {
            return (false, Stopwatch.GetElapsedTime(started));
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return (false, Patience);
        }
    }

    public void Dispose() => client.Dispose();
}
