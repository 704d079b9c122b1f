using System.Text.Json;

namespace Rollcall.GraphEmulator.Tests;

/// <summary>The smallest correct delta client: merges pages, keeps cursors, retries, starts again when told to.</summary>
public sealed class Follower(TestTenant tenant)
{
    private const string UsersStart =
        "/v1.0/users/delta?$select=displayName,department,jobTitle,accountEnabled,manager";
    private const string GroupsStart = "/v1.0/groups/delta?$select=displayName,members";
    private string users = UsersStart;
    private string groups = GroupsStart;

    public Dictionary<string, Dictionary<string, string>> Users { get; private set; } = [];
    public HashSet<(string Group, string Member)> Edges { get; private set; } = [];
    public int Failures { get; private set; }
    public int Resyncs { get; private set; }

    public async Task FollowAsync()
    {
        users = await RoundAsync(users, UsersStart, () => Users = [], ApplyUser);
        groups = await RoundAsync(groups, GroupsStart, () => Edges = [], ApplyGroup);
    }

    /// <summary>Links between objects that are there.</summary>
    public List<string> ActiveEdges(IReadOnlySet<string> activeGroups) =>
        [
            .. Edges
                .Where(edge => activeGroups.Contains(edge.Group))
                .Where(edge => Users.ContainsKey(edge.Member) || activeGroups.Contains(edge.Member))
                .Select(edge => $"{edge.Group} {edge.Member}")
                .Order(),
        ];

    private async Task<string> RoundAsync(string start, string first, Action reset, Action<JsonElement> apply)
    {
        for (var address = start; ; )
        {
            var (status, page) = await TryAsync(address);
            if (status is 400 or 410 && address != first)
            {
                // Only the cursor is bad: begin again from nothing. A bad page token alone would do with the old cursor.
                Resyncs++;
                reset();
                address = first;
                continue;
            }

            if (page is not { } body)
            {
                Failures++;
                continue;
            }

            foreach (var entry in body.Array("value"))
            {
                apply(entry);
            }

            if (body.Has("@odata.deltaLink"))
            {
                return body.Text("@odata.deltaLink")!;
            }

            address = body.Text("@odata.nextLink")!;
        }
    }

    private async Task<(int Status, JsonElement? Page)> TryAsync(string address)
    {
        try
        {
            using var response = await tenant.SendAsync(address);
            var text = await response.Content.ReadAsStringAsync();
            return ((int)response.StatusCode, response.IsSuccessStatusCode ? JsonElement.Parse(text) : null);
        }
        catch (Exception error)
            when (error is HttpRequestException or IOException or JsonException or OperationCanceledException)
        {
            return (0, null);
        }
    }

    private void ApplyUser(JsonElement entry)
    {
        if (entry.Removed() is not null)
        {
            Users.Remove(entry.Id());
            return;
        }

        if (!Users.TryGetValue(entry.Id(), out var shadow))
        {
            Users[entry.Id()] = shadow = [];
        }

        foreach (var property in entry.EnumerateObject().Where(p => !p.Name.Contains('@', StringComparison.Ordinal)))
        {
            shadow[property.Name] = property.Value.GetRawText();
        }

        foreach (var link in entry.Array("manager@delta"))
        {
            if (link.Removed() is null)
            {
                shadow["manager"] = link.Id();
            }
            else if (shadow.GetValueOrDefault("manager") == link.Id())
            {
                shadow.Remove("manager");
            }
        }
    }

    private void ApplyGroup(JsonElement entry)
    {
        foreach (var link in entry.Array("members@delta"))
        {
            if (link.Removed() is null)
            {
                Edges.Add((entry.Id(), link.Id()));
            }
            else
            {
                Edges.Remove((entry.Id(), link.Id()));
            }
        }
    }
}
