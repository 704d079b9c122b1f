using System.Text.Encodings.Web;
using System.Text.Json;

namespace Rollcall.GraphEmulator.Graph;

/// <summary>What Graph answers to one call; the body sits in a pooled buffer.</summary>
public sealed class GraphAnswer : IDisposable
{
    private static readonly JsonWriterOptions Options = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    public int Status { get; set; } = 200;
    public string ContentType { get; init; } =
        "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8";
    public List<(string Name, string Value)> Headers { get; } = [];
    public PooledBuffer Body { get; } = new();

    public static GraphAnswer Json(Action<Utf8JsonWriter> write, int status = 200)
    {
        var answer = new GraphAnswer { Status = status };
        using var writer = new Utf8JsonWriter(answer.Body, Options);
        writer.WriteStartObject();
        write(writer);
        writer.WriteEndObject();
        return answer;
    }

    public void Dispose() => Body.Dispose();
}
