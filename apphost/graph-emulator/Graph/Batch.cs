using System.Text.Json;

namespace Rollcall.GraphEmulator.Graph;

/// <summary>POST /$batch: up to twenty requests, each with its own faults, units and answer.</summary>
public sealed class Batch(Pipeline pipeline)
{
    private const int Max = 20;

    public async ValueTask<GraphAnswer> AnswerAsync(GraphCall outer)
    {
        using var document = Parse(outer.Body);
        if (
            document.RootElement is not { ValueKind: JsonValueKind.Object } root
            || !root.TryGetProperty("requests", out var requests)
            || requests.ValueKind != JsonValueKind.Array
        )
        {
            throw GraphException.BadRequest("Invalid batch payload format.");
        }

        if (requests.GetArrayLength() is 0 or > Max)
        {
            throw GraphException.BadRequest($"Number of batch request steps exceeds the maximum value of {Max}.");
        }

        var ids = requests.EnumerateArray().Select(Id).ToList();
        if (ids.Distinct(StringComparer.Ordinal).Count() < ids.Count)
        {
            throw GraphException.BadRequest("Request Id values in the batch payload must be unique.");
        }

        var answers = new Dictionary<string, GraphAnswer>(StringComparer.Ordinal);
        foreach (var (request, id) in requests.EnumerateArray().Zip(ids))
        {
            answers[id] = DependsOnFailed(request, answers)
                ? new GraphException(424, "FailedDependency", "A request this one depends on failed.").ToAnswer(
                    outer.RequestId,
                    outer.ClientRequestId,
                    outer.Tenant.Clock
                )
                : await InnerAsync(outer, request);
        }

        return Write(answers);
    }

    private static JsonDocument Parse(ReadOnlyMemory<byte> body)
    {
        try
        {
            return JsonDocument.Parse(body);
        }
        catch (JsonException)
        {
            throw GraphException.BadRequest("Invalid batch payload format.");
        }
    }

    private static string Id(JsonElement request) =>
        request.TryGetProperty("id", out var id)
            ? id.ToString()
            : throw GraphException.BadRequest("A request has no id.");

    private static bool DependsOnFailed(JsonElement request, Dictionary<string, GraphAnswer> answers) =>
        request.TryGetProperty("dependsOn", out var needed)
        && needed.EnumerateArray().Any(id => !answers.TryGetValue(id.ToString(), out var a) || a.Status >= 400);

    private async ValueTask<GraphAnswer> InnerAsync(GraphCall outer, JsonElement request)
    {
        var url = request.TryGetProperty("url", out var u) ? u.GetString() ?? "" : "";
        var cut = url.IndexOf('?', StringComparison.Ordinal);
        var query = cut < 0 ? "" : url[cut..];
        var headers = request.TryGetProperty("headers", out var h) ? h : default;
        var call = new GraphCall
        {
            Method = request.TryGetProperty("method", out var m) ? m.GetString()?.ToUpperInvariant() ?? "GET" : "GET",
            Segments = GraphCall.Split(Uri.UnescapeDataString(cut < 0 ? url : url[..cut])),
            Query = GraphCall.Parse(query),
            Header = name =>
                headers.ValueKind == JsonValueKind.Object && headers.TryGetProperty(name, out var v)
                    ? v.GetString()
                    : null,
            BaseUrl = outer.BaseUrl,
            Body = request.TryGetProperty("body", out var body) ? JsonSerializer.SerializeToUtf8Bytes(body) : default,
            Token = outer.Token,
            Tenant = outer.Tenant,
            Aborted = outer.Aborted,
            InBatch = true,
        };
        return await pipeline.AnswerAsync(call, query);
    }

    /// <summary>Responses in reverse: the real service keeps no order either.</summary>
    private static GraphAnswer Write(Dictionary<string, GraphAnswer> answers) =>
        GraphAnswer.Json(writer =>
        {
            writer.WriteStartArray("responses");
            foreach (var (id, answer) in answers.Reverse())
            {
                writer.WriteStartObject();
                writer.WriteString("id", id);
                writer.WriteNumber("status", answer.Status);
                writer.WriteStartObject("headers");
                writer.WriteString("Content-Type", "application/json");
                foreach (var (name, value) in answer.Headers)
                {
                    writer.WriteString(name, value);
                }

                writer.WriteEndObject();
                WriteBody(writer, answer);
                writer.WriteEndObject();
                answer.Dispose();
            }

            writer.WriteEndArray();
        });

    private static void WriteBody(Utf8JsonWriter writer, GraphAnswer answer)
    {
        if (answer.Body.Written.Length == 0)
        {
            return;
        }

        writer.WritePropertyName("body");
        if (answer.ContentType.StartsWith("application/json", StringComparison.Ordinal))
        {
            writer.WriteRawValue(answer.Body.Written.Span, skipInputValidation: true);
        }
        else
        {
            writer.WriteStringValue(answer.Body.Written.Span);
        }
    }
}
