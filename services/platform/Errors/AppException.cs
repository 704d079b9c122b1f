using Grpc.Core;

namespace Rollcall.Platform;

/// <summary>
/// A failure the caller can act on. gRPC callers receive it as google.rpc.Status with an ErrorInfo;
/// message consumers never retry it.
/// </summary>
public sealed class AppException(StatusCode code, string reason, string message) : Exception(message)
{
    public StatusCode Code { get; } = code;

    /// <summary>UPPER_SNAKE_CASE, stable, unique within the platform. Callers branch on this.</summary>
    public string Reason { get; } = reason;

    /// <summary>Every value that appears in the message, for machines.</summary>
    public IDictionary<string, string> Metadata { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>The request field at fault, for INVALID_ARGUMENT.</summary>
    public string? Field { get; init; }

    /// <summary>How long the caller should wait before it tries again.</summary>
    public TimeSpan? RetryAfter { get; init; }

    public static AppException Invalid(string field, string problem) =>
        new(StatusCode.InvalidArgument, "FIELD_INVALID", $"{field} {problem}") { Field = field };

    public static AppException NotFound(string kind, object id) =>
        new(StatusCode.NotFound, $"{kind.ToUpperInvariant()}_NOT_FOUND", $"{kind} {id} does not exist")
        {
            Metadata = { [kind + "_id"] = id.ToString()! },
        };

    public static AppException Stale(string kind, object id) =>
        new(StatusCode.Aborted, "ETAG_MISMATCH", $"{kind} {id} has changed since it was read")
        {
            Metadata = { [kind + "_id"] = id.ToString()! },
        };

    public static AppException Precondition(string reason, string message) =>
        new(StatusCode.FailedPrecondition, reason, message);
}
