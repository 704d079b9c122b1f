using System.Text.Json;
using System.Text.RegularExpressions;
using Rollcall.GraphEmulator.Model;
using Rollcall.GraphEmulator.Notifications;

namespace Rollcall.GraphEmulator.Graph;

/// <summary>/subscriptions: create (with handshake), read, renew, delete.</summary>
public sealed partial class Subscriptions(Emulation emulation, Webhook webhook)
{
    private const int MaxPerAppAndTenant = 100;
    private const int MaxPerTenant = 1_000;
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(41_760);
    private static readonly TimeSpan Shortest = TimeSpan.FromMinutes(45);

    public async ValueTask<GraphAnswer> AnswerAsync(GraphCall call) =>
        (call.Method, call.Segments) switch
        {
            ("POST", ["subscriptions"]) => await CreateAsync(call),
            ("GET", ["subscriptions"]) => List(call),
            ("GET", ["subscriptions", var id]) => With(call, id, subscription => Answer(call, subscription)),
            ("PATCH", ["subscriptions", var id]) => With(call, id, subscription => Renew(call, subscription)),
            ("DELETE", ["subscriptions", var id]) => With(call, id, subscription => Delete(call.Tenant, subscription)),
            ("POST", ["subscriptions", var id, "reauthorize"]) => With(call, id, _ => new GraphAnswer { Status = 202 }),
            _ => throw GraphException.BadRequest("Resource not found for the segment 'subscriptions'."),
        };

    private async ValueTask<GraphAnswer> CreateAsync(GraphCall call)
    {
        using var body = Parse(call);
        var wanted = Read(call, body.RootElement);
        call.Require(wanted.Permission, "Directory.Read.All");
        CheckRoom(call, wanted);
        foreach (
            var url in new[] { wanted.NotificationUrl, wanted.LifecycleUrl }
                .OfType<string>()
                .Distinct(StringComparer.Ordinal)
        )
        {
            if (await webhook.ValidateAsync(url, call.Aborted) is { } problem)
            {
                throw new GraphException(400, "ValidationError", $"Subscription validation request failed. {problem}");
            }
        }

        lock (call.Tenant.Gate)
        {
            CheckRoom(call, wanted);
            call.Tenant.Subscriptions.Add(wanted);
            return Answer(call, wanted, 201);
        }
    }

    private void CheckRoom(GraphCall call, Subscription wanted)
    {
        lock (call.Tenant.Gate)
        {
            var tenant = call.Tenant;
            tenant.Subscriptions.RemoveAll(old => old.ExpiresAt <= tenant.Now);
            var mine = tenant.Subscriptions.Where(old => old.AppId == wanted.AppId).ToList();
            if (mine.Find(old => old.Resource == wanted.Resource && old.ChangeType == wanted.ChangeType) is { } same)
            {
                throw new GraphException(
                    409,
                    "ExtensionError",
                    $"Subscription Id {same.Id} already exists for the requested combination"
                );
            }

            // Counted without the other tenants' locks: the app-wide limit is far away in tests.
            var everywhere = emulation.Tenants.Values.Sum(other => other.Subscriptions.Count);
            if (mine.Count >= MaxPerAppAndTenant || tenant.Subscriptions.Count >= MaxPerTenant || everywhere >= 50_000)
            {
                throw new GraphException(403, "ExtensionError", "The subscription quota is exceeded.");
            }
        }
    }

    private static Subscription Read(GraphCall call, JsonElement body)
    {
        var resource = Text(body, "resource")?.TrimStart('/') ?? "";
        var changeType = Text(body, "changeType") ?? "";
        var url = Text(body, "notificationUrl") ?? "";
        var clientState = Text(body, "clientState");
        if (!Resource().IsMatch(resource) || !ChangeTypes().IsMatch(changeType))
        {
            throw new GraphException(400, "InvalidRequest", "The resource or changeType is not supported.");
        }

        if (!Uri.TryCreate(url, UriKind.Absolute, out _) || clientState?.Length > 128)
        {
            throw new GraphException(400, "InvalidRequest", "notificationUrl or clientState is not valid.");
        }

        return new()
        {
            AppId = call.Token.AppId,
            Resource = resource,
            ChangeType = changeType,
            NotificationUrl = url,
            LifecycleUrl = Text(body, "lifecycleNotificationUrl"),
            ClientState = clientState,
            ExpiresAt = Expiry(call, body),
        };
    }

    private static DateTimeOffset Expiry(GraphCall call, JsonElement body)
    {
        var now = call.Tenant.Now;
        if (!body.TryGetProperty("expirationDateTime", out var value) || !value.TryGetDateTimeOffset(out var wanted))
        {
            throw new GraphException(400, "InvalidRequest", "expirationDateTime is missing.");
        }

        // A minute's grace, since clocks differ.
        return wanted > now + Longest + TimeSpan.FromMinutes(1)
                ? throw new GraphException(
                    400,
                    "InvalidRequest",
                    "Subscription expiration can only be 41760 minutes in the future."
                )
            : wanted < now + Shortest ? now + Shortest
            : wanted;
    }

    private static GraphAnswer With(GraphCall call, string id, Func<Subscription, GraphAnswer> work)
    {
        lock (call.Tenant.Gate)
        {
            var now = call.Tenant.Now;
            var found = call.Tenant.Subscriptions.Find(one =>
                one.Id.ToString() == id && one.AppId == call.Token.AppId && one.ExpiresAt > now
            );
            return found is null
                ? throw new GraphException(404, "ResourceNotFound", "The object was not found.")
                : work(found);
        }
    }

    private static GraphAnswer Renew(GraphCall call, Subscription subscription)
    {
        using var body = Parse(call);
        subscription.ExpiresAt = Expiry(call, body.RootElement);
        return Answer(call, subscription);
    }

    private static GraphAnswer Delete(Tenant tenant, Subscription subscription)
    {
        tenant.Subscriptions.Remove(subscription);
        return new() { Status = 204 };
    }

    private static GraphAnswer List(GraphCall call)
    {
        lock (call.Tenant.Gate)
        {
            var mine = call.Tenant.Subscriptions.FindAll(one =>
                one.AppId == call.Token.AppId && one.ExpiresAt > call.Tenant.Now
            );
            return GraphAnswer.Json(writer =>
            {
                Reads.Context(writer, call, "subscriptions");
                writer.WriteStartArray(ObjectWriter.Value);
                foreach (var one in mine)
                {
                    writer.WriteStartObject();
                    Write(writer, one);
                    writer.WriteEndObject();
                }

                writer.WriteEndArray();
            });
        }
    }

    private static GraphAnswer Answer(GraphCall call, Subscription subscription, int status = 200) =>
        GraphAnswer.Json(
            writer =>
            {
                Reads.Context(writer, call, "subscriptions/$entity");
                Write(writer, subscription);
            },
            status
        );

    private static void Write(Utf8JsonWriter writer, Subscription subscription)
    {
        writer.WriteString("id", subscription.Id);
        writer.WriteString("resource", subscription.Resource);
        writer.WriteString("applicationId", subscription.AppId);
        writer.WriteString("changeType", subscription.ChangeType);
        writer.WriteString("clientState", subscription.ClientState);
        writer.WriteString("notificationUrl", subscription.NotificationUrl);
        writer.WriteString("lifecycleNotificationUrl", subscription.LifecycleUrl);
        writer.WriteString("expirationDateTime", subscription.ExpiresAt.UtcDateTime);
        writer.WriteString("creatorId", subscription.AppId);
        writer.WriteString("latestSupportedTlsVersion", "v1_2");
    }

    private static JsonDocument Parse(GraphCall call)
    {
        try
        {
            return JsonDocument.Parse(call.Body);
        }
        catch (JsonException)
        {
            throw GraphException.BadRequest("Unable to read JSON request payload.");
        }
    }

    private static string? Text(JsonElement body, string name) =>
        body.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    [GeneratedRegex(
        "^(users|groups)(/[0-9a-f-]{36}(/members|/owners)?)?$",
        RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture,
        1000
    )]
    private static partial Regex Resource();

    [GeneratedRegex(
        "^(created|updated|deleted)(, ?(created|updated|deleted))*$",
        RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture,
        1000
    )]
    private static partial Regex ChangeTypes();
}
