using System.Globalization;
using System.Text;
using System.Text.Json;
using Rollcall.GraphEmulator.Graph;

namespace Rollcall.GraphEmulator.Faults;

/// <summary>Makes the answers that faults give instead of the real one.</summary>
public static class FaultAnswers
{
    private const string Gateway =
        "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>";

    /// <summary>Null when none of the faults replaces the answer.</summary>
    public static GraphAnswer? For(GraphCall call, TimeProvider clock)
    {
        var rule = call.Faults.First(
            FaultKind.Throttle,
            FaultKind.Status,
            FaultKind.Html502,
            FaultKind.BadToken,
            FaultKind.ExpiredPageToken,
            FaultKind.Unauthorized
        );
        return rule?.Kind switch
        {
            null => null,
            FaultKind.Throttle => Throttled(call, rule.RetryAfter, clock),
            FaultKind.Html502 => Html(),
            FaultKind.BadToken => Error(call, GraphException.BadToken(), clock),
            FaultKind.ExpiredPageToken => call.Option("$skiptoken") is null
                ? null
                : Error(
                    call,
                    new(400, "Directory_ExpiredPageToken", "The specified page token value has expired."),
                    clock
                ),
            FaultKind.Unauthorized => Error(call, Unauthorized(), clock),
            _ => WithRetryAfter(
                Error(
                    call,
                    new(rule.Status ?? 503, rule.Code ?? CodeOf(rule.Status ?? 503), rule.Message ?? "Injected."),
                    clock
                ),
                rule.RetryAfter
            ),
        };
    }

    public static GraphException Unauthorized(string message = "Access token has expired or is not yet valid.") =>
        new(401, "InvalidAuthenticationToken", message);

    public static GraphAnswer Throttled(
        GraphCall call,
        JsonElement? retryAfter,
        TimeProvider clock,
        string? scope = null
    )
    {
        var answer = GraphAnswer.Json(
            writer =>
            {
                writer.WriteStartObject("error");
                writer.WriteString("code", "TooManyRequests");
                writer.WriteStartObject("innerError");
                writer.WriteString("code", "429");
                writer.WriteString("date", clock.GetUtcNow().ToString("s", CultureInfo.InvariantCulture));
                writer.WriteString("message", "Please retry after");
                writer.WriteString("request-id", call.RequestId);
                writer.WriteString("status", "429");
                writer.WriteEndObject();
                writer.WriteString("message", "Please retry again later.");
                writer.WriteEndObject();
            },
            429
        );
        answer.Headers.Add(
            ("x-ms-throttle-scope", $"{scope ?? "Tenant_Application"}/ReadWrite/{call.Token.AppId}/{call.Tenant.Id}")
        );
        answer.Headers.Add(("x-ms-throttle-information", "ResourceUnitLimitExceeded"));
        return WithRetryAfter(answer, retryAfter ?? JsonSerializer.SerializeToElement(10));
    }

    private static GraphAnswer WithRetryAfter(GraphAnswer answer, JsonElement? retryAfter)
    {
        // An HTTP date is read against the client's own clock, which the virtual one does not move.
        var value = retryAfter switch
        {
            { ValueKind: JsonValueKind.Number } seconds => seconds.GetRawText(),
            { ValueKind: JsonValueKind.String } text when text.ValueEquals("date") => TimeProvider
                .System.GetUtcNow()
                .AddSeconds(20)
                .ToString("R", CultureInfo.InvariantCulture),
            _ => null,
        };
        if (value is not null)
        {
            answer.Headers.Add(("Retry-After", value));
        }

        return answer;
    }

    private static GraphAnswer Error(GraphCall call, GraphException error, TimeProvider clock) =>
        error.ToAnswer(call.RequestId, call.ClientRequestId, clock);

    private static GraphAnswer Html()
    {
        var answer = new GraphAnswer { Status = 502, ContentType = "text/html" };
        var bytes = Encoding.UTF8.GetBytes(Gateway);
        bytes.CopyTo(answer.Body.GetSpan(bytes.Length));
        answer.Body.Advance(bytes.Length);
        return answer;
    }

    private static string CodeOf(int status) =>
        status switch
        {
            400 => "Request_BadRequest",
            401 => "InvalidAuthenticationToken",
            403 => "Authorization_RequestDenied",
            404 => "UnknownError",
            500 => "InternalServerError",
            503 => "ServiceUnavailable",
            504 => "GatewayTimeout",
            _ => "UnknownError",
        };
}
