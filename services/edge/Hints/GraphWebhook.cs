using System.Text.Json;
using Microsoft.AspNetCore.Mvc;
using Rollcall.Api.Directory.V1;

namespace Rollcall.Edge;

/// <summary>
/// Where Microsoft Graph posts change notifications and lifecycle events. Anybody can post here, so nothing is believed
/// and every well-formed post gets the same answer at once; directory-sync judges.
/// </summary>
public sealed class GraphWebhook(HintBuffer buffer)
{
    public const string Path = "/graph";
    public const string Notifications = $"{Path}/notifications";
    public const string Lifecycle = $"{Path}/lifecycle";

    /// <summary>Several hundred notifications; Graph batches fewer.</summary>
    public const int MaxBody = 512 * 1024;

    /// <summary>Longer than Graph's subscription handshake ever sends.</summary>
    private const int MaxToken = 1024;
    private const int MaxValue = 200;

    public static void Map(IEndpointRouteBuilder app)
    {
        foreach (var path in new[] { Notifications, Lifecycle })
        {
            app.MapPost(path, (GraphWebhook webhook, HttpContext http) => webhook.AnswerAsync(http))
                .WithMetadata(new RequestSizeLimitAttribute(MaxBody));
        }
    }

    private async Task<IResult> AnswerAsync(HttpContext http)
    {
        if (http.Request.Query.TryGetValue("validationToken", out var tokens))
        {
            return tokens is [{ Length: > 0 and <= MaxToken } token]
                ? Results.Text(token, "text/plain")
                : Results.StatusCode(StatusCodes.Status400BadRequest);
        }

        try
        {
            using var body = await JsonDocument.ParseAsync(http.Request.Body, cancellationToken: http.RequestAborted);
            buffer.Add(Read(body.RootElement));
            return Results.StatusCode(StatusCodes.Status202Accepted);
        }
        catch (BadHttpRequestException e)
        {
            return Results.StatusCode(e.StatusCode);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            return Results.StatusCode(StatusCodes.Status400BadRequest);
        }
    }

    private static List<Hint> Read(JsonElement body) =>
        [
            .. body.GetProperty("value")
                .EnumerateArray()
                .Select(n => new Hint
                {
                    SubscriptionId = Text(n, "subscriptionId"),
                    ClientState = Text(n, "clientState"),
                    TenantId = Text(n, "tenantId"),
                    LifecycleEvent = Text(n, "lifecycleEvent"),
                }),
        ];

    private static string Text(JsonElement notification, string name) =>
        notification.TryGetProperty(name, out var value)
        && value.ValueKind == JsonValueKind.String
        && value.GetString() is { Length: <= MaxValue } text
            ? text
            : "";
}
