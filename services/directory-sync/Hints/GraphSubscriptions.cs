using System.Text.Json;
using Microsoft.Extensions.Options;
using Microsoft.Graph.Models;
using Rollcall.DirectorySync.Graph;

namespace Rollcall.DirectorySync.Hints;

/// <summary>Graph's /subscriptions of a client's directory.</summary>
public sealed class GraphSubscriptions(GraphDirectory graph, IOptions<HintOptions> options)
{
    /// <summary>Creates and deletes as one: "updated" covers new and soft-deleted objects, "deleted" those gone for good.</summary>
    private const string ChangeTypes = "updated,deleted";

    /// <returns>Graph's id, and when the subscription ends.</returns>
    public async Task<(Guid Id, DateTimeOffset ExpiresAt)> CreateAsync(
        Guid directory,
        string resource,
        string clientState,
        DateTimeOffset expiresAt,
        CancellationToken ct
    )
    {
        var wanted = new Subscription
        {
            ChangeType = ChangeTypes,
            Resource = resource,
            ClientState = clientState,
            NotificationUrl = options.Value.NotificationUrl,
            LifecycleNotificationUrl = options.Value.LifecycleUrl,
            ExpirationDateTime = expiresAt,
            LatestSupportedTlsVersion = "v1_2",
        };
        return Read(await graph.OnceAsync(directory, g => g.Subscriptions.ToPostRequestInformation(wanted), ct));
    }

    public async Task<DateTimeOffset> RenewAsync(
        Guid directory,
        Guid id,
        DateTimeOffset expiresAt,
        CancellationToken ct
    )
    {
        var change = new Subscription { ExpirationDateTime = expiresAt };
        var body = await graph.OnceAsync(
            directory,
            g => g.Subscriptions[id.ToString()].ToPatchRequestInformation(change),
            ct
        );
        return Read(body).ExpiresAt;
    }

    /// <summary>Gone afterwards, whether it was there or not.</summary>
    public async Task DeleteAsync(Guid directory, Guid id, CancellationToken ct)
    {
        try
        {
            await graph.OnceAsync(directory, g => g.Subscriptions[id.ToString()].ToDeleteRequestInformation(), ct);
        }
        catch (GraphException e) when (e.Status == 404)
        {
            // What we wanted.
        }
    }

    /// <summary>Our application's subscriptions to the resource, those we lost sight of included.</summary>
    public async Task<List<Guid>> FindAsync(Guid directory, string resource, CancellationToken ct)
    {
        var body = await graph.OnceAsync(directory, g => g.Subscriptions.ToGetRequestInformation(), ct);
        return Parse(
            body,
            list =>
                list.GetProperty("value")
                    .EnumerateArray()
                    .Where(s => s.GetProperty("resource").GetString()?.TrimStart('/') == resource)
                    .Select(s => s.GetProperty("id").GetGuid())
                    .ToList()
        );
    }

    private static (Guid Id, DateTimeOffset ExpiresAt) Read(byte[] body) =>
        Parse(body, s => (s.GetProperty("id").GetGuid(), s.GetProperty("expirationDateTime").GetDateTimeOffset()));

    private static T Parse<T>(byte[] body, Func<JsonElement, T> read)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            return read(json.RootElement);
        }
        catch (Exception e)
            when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw GraphException.Garbage("the subscription is not as documented", e);
        }
    }
}
