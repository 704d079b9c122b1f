using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace Rollcall.GraphEmulator.Tests;

/// <summary>One tenant as a test sees it: control calls and signed-in Graph calls.</summary>
public sealed class TestTenant(EmulatorFixture emulator, Guid id)
{
    private string? token;

    public Guid Id => id;

    public Task<JsonElement> ControlAsync(HttpMethod method, string path, object? body = null) =>
        emulator.SendAsync(method, $"/_emulator/tenants/{id}/{path}", body);

    public Task<JsonElement> TruthAsync() => emulator.SendAsync(HttpMethod.Get, $"/_emulator/tenants/{id}");

    public async Task<string> AddUserAsync(object? properties = null) =>
        IdOf(await ControlAsync(HttpMethod.Post, "users", properties ?? new { }));

    public async Task<string> AddGroupAsync(string name, params string[] members) =>
        IdOf(await ControlAsync(HttpMethod.Post, "groups", new { displayName = name, members }));

    public Task<JsonElement> PatchUserAsync(string user, object properties) =>
        ControlAsync(HttpMethod.Patch, $"users/{user}", properties);

    public Task<JsonElement> SettingsAsync(object settings) => ControlAsync(HttpMethod.Patch, "settings", settings);

    public Task<JsonElement> GrantAsync(string permission) => ControlAsync(HttpMethod.Put, $"permissions/{permission}");

    public Task<JsonElement> FaultAsync(object rule) => emulator.SendAsync(HttpMethod.Post, "/_emulator/faults", rule);

    /// <summary>Forgets the token, so that the next call signs in again.</summary>
    public void SignOut() => token = null;

    public async Task<HttpResponseMessage> SendAsync(
        string address,
        HttpMethod? method = null,
        object? body = null,
        string? prefer = null
    )
    {
        token ??= await SignInAsync();
        return await emulator.GraphAsync(token, address, method, body, prefer);
    }

    public async Task<JsonElement> GetAsync(string address, string? prefer = null)
    {
        using var response = await SendAsync(address, prefer: prefer);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.Content.ReadFromJsonAsync<JsonElement>();
    }

    /// <summary>A call that must fail; its status and error code.</summary>
    public async Task<(int Status, string Code)> FailAsync(string address)
    {
        using var response = await SendAsync(address);
        var body = await response.Content.ReadFromJsonAsync<JsonElement>();
        return ((int)response.StatusCode, body.GetProperty("error").GetProperty("code").GetString()!);
    }

    /// <summary>Reads a round to its end: all entries, the number of pages, the delta link.</summary>
    public async Task<Round> ReadAsync(string address, string? prefer = null)
    {
        var (entries, pages) = (new List<JsonElement>(), 0);
        for (; ; )
        {
            var page = await GetAsync(address, prefer);
            pages++;
            entries.AddRange(page.GetProperty("value").EnumerateArray());
            if (page.TryGetProperty("@odata.deltaLink", out var end))
            {
                return new(entries, pages, end.GetString()!);
            }

            address = page.GetProperty("@odata.nextLink").GetString()!;
        }
    }

    private async Task<string> SignInAsync()
    {
        using var response = await emulator.SignInAsync(id.ToString());
        var body = await response.Content.ReadFromJsonAsync<JsonElement>();
        return body.GetProperty("access_token").GetString()!;
    }

    private static string IdOf(JsonElement created) => created.GetProperty("id").GetString()!;
}

/// <summary>A delta round read to its end.</summary>
public sealed record Round(List<JsonElement> Entries, int Pages, string DeltaLink)
{
    public JsonElement Of(string objectId) => Entries.Single(entry => entry.Id() == objectId);

    /// <summary>Links of a group over all its entries: member id → still a member.</summary>
    public Dictionary<string, bool> Links(string groupId)
    {
        var links = new Dictionary<string, bool>();
        foreach (var entry in Entries.Where(entry => entry.Id() == groupId))
        {
            foreach (var link in entry.Array("members@delta"))
            {
                links[link.Id()] = link.Removed() is null;
            }
        }

        return links;
    }
}

/// <summary>Short ways to look into delta entries.</summary>
public static class EntryExtensions
{
    public static string Id(this JsonElement entry) => entry.GetProperty("id").GetString()!;

    public static string? Text(this JsonElement entry, string name) => entry.GetProperty(name).GetString();

    public static bool Has(this JsonElement entry, string name) => entry.TryGetProperty(name, out _);

    public static List<JsonElement> Array(this JsonElement entry, string name) =>
        entry.TryGetProperty(name, out var array) ? [.. array.EnumerateArray()] : [];

    public static string? Removed(this JsonElement entry) =>
        entry.TryGetProperty("@removed", out var removed) ? removed.GetProperty("reason").GetString() : null;
}
