using System.Net.Http.Json;
using System.Text.Json;

namespace Rollcall.Local;

/// <summary>What administrators do in their directories, and what goes wrong there: the emulator's control API.</summary>
public sealed class Emulator(Endpoints endpoints) : IDisposable
{
    private readonly HttpClient http = Patient(Http.Client(endpoints.GraphCa));

    /// <summary>Everything the directory really holds.</summary>
    public Task<JsonElement> TruthAsync(string tenant, CancellationToken ct) =>
        SendAsync(HttpMethod.Get, $"tenants/{tenant}", body: null, ct);

    public Task<JsonElement> CreateTenantAsync(object tenant, CancellationToken ct) =>
        SendAsync(HttpMethod.Post, "tenants", tenant, ct);

    public Task<JsonElement> AddUserAsync(string tenant, object user, CancellationToken ct) =>
        SendAsync(HttpMethod.Post, $"tenants/{tenant}/users", user, ct);

    public Task<JsonElement> ChangeUserAsync(string tenant, string user, object changes, CancellationToken ct) =>
        SendAsync(HttpMethod.Patch, $"tenants/{tenant}/users/{user}", changes, ct);

    public Task<JsonElement> DisableUserAsync(string tenant, string user, CancellationToken ct) =>
        SendAsync(HttpMethod.Post, $"tenants/{tenant}/users/{user}/disable", body: null, ct);

    public Task<JsonElement> DeleteUserAsync(string tenant, string user, CancellationToken ct) =>
        SendAsync(HttpMethod.Delete, $"tenants/{tenant}/users/{user}", body: null, ct);

    public Task<JsonElement> AddGroupAsync(string tenant, string name, string[] members, CancellationToken ct) =>
        SendAsync(HttpMethod.Post, $"tenants/{tenant}/groups", new { displayName = name, members }, ct);

    public Task<JsonElement> NestGroupAsync(string tenant, string outer, string inner, CancellationToken ct) =>
        SendAsync(HttpMethod.Put, $"tenants/{tenant}/groups/{Escape(outer)}/members/{Escape(inner)}", body: null, ct);

    /// <summary>The administrator removes the application; Microsoft ends its tokens.</summary>
    public async Task RevokeConsentAsync(string tenant, CancellationToken ct)
    {
        await SendAsync(HttpMethod.Delete, $"tenants/{tenant}/service-principal", body: null, ct);
        await SendAsync(HttpMethod.Post, $"tenants/{tenant}/tokens/expire", body: null, ct);
    }

    public Task<JsonElement> BreakAsync(object fault, CancellationToken ct) =>
        SendAsync(HttpMethod.Post, "faults", fault, ct);

    public Task<JsonElement> MendAsync(string tenant, CancellationToken ct) =>
        SendAsync(HttpMethod.Delete, $"faults?tenant={tenant}", body: null, ct);

    /// <summary>The administrator opens the link, signs in and decides; where the browser is sent then.</summary>
    public async Task<Uri> ConsentAsync(string url, string tenant, string decision, CancellationToken ct)
    {
        var decided = new Uri($"{url}&emulator_tenant={tenant}&emulator_decision={decision}");
        using var answer = await http.GetAsync(decided, ct);
        return answer.Headers.Location
            ?? throw new ExpectationFailedException(
                "a redirect from the consent page",
                $"{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(ct)}"
            );
    }

    public void Dispose() => http.Dispose();

    private static HttpClient Patient(HttpClient client)
    {
        client.Timeout = TimeSpan.FromSeconds(30);
        return client;
    }

    private static string Escape(string name) => Uri.EscapeDataString(name);

    private async Task<JsonElement> SendAsync(HttpMethod method, string path, object? body, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(method, new Uri($"{endpoints.Graph}/_emulator/{path}"));
        request.Content = body is null ? null : JsonContent.Create(body);
        using var answer = await http.SendAsync(request, ct);
        var text = await answer.Content.ReadAsStringAsync(ct);
        Expect.That(answer.IsSuccessStatusCode, $"{method} {path} to succeed", $"{(int)answer.StatusCode} {text}");
        return text.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(text);
    }
}
