using System.Globalization;

namespace Rollcall.GraphEmulator.Graph;

/// <summary>An error answer in Graph's shape; thrown by handlers, written by the pipeline.</summary>
public sealed class GraphException(int status, string code, string message) : Exception(message)
{
    public int Status => status;
    public string Code => code;
    public string? Location { get; init; }

    public static GraphException Denied() =>
        new(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.");

    public static GraphException BadRequest(string message) => new(400, "BadRequest", message);

    public static GraphException BadToken() => BadRequest("Badly formed token.");

    public static GraphException NotFound(string id) =>
        new(
            404,
            "Request_ResourceNotFound",
            $"Resource '{id}' does not exist or one of its queried reference-property objects are not present."
        );

    public static GraphException NotImplemented() =>
        new(501, "NotImplemented", "This operation target is not yet supported.");

    public static GraphException SyncStateNotFound() =>
        new(
            400,
            "syncStateNotFound",
            "The sync state generation is not found. The delta token is expired and data must be synchronized again."
        );

    public static GraphException Gone(string location) =>
        new(410, "resyncRequired", "Resync required. The delta token is no longer valid, reset the sync state.")
        {
            Location = location,
        };

    public GraphAnswer ToAnswer(Guid requestId, string clientRequestId, TimeProvider clock)
    {
        var answer = GraphAnswer.Json(
            writer =>
            {
                writer.WriteStartObject("error");
                writer.WriteString("code", Code);
                writer.WriteString("message", Message);
                writer.WriteStartObject("innerError");
                var date = clock.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture);
                writer.WriteString("date", date);
                writer.WriteString("request-id", requestId);
                writer.WriteString("client-request-id", clientRequestId);
                writer.WriteEndObject();
                writer.WriteEndObject();
            },
            Status
        );
        if (Location is not null)
        {
            answer.Headers.Add(("Location", Location));
        }

        return answer;
    }
}
