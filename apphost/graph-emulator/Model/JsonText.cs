using System.Collections.Concurrent;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Rollcall.GraphEmulator.Model;

/// <summary>Property values as they travel: UTF-8 JSON made once, when the value is set.</summary>
public static class JsonText
{
    public static readonly byte[] Null = "null"u8.ToArray();
    public static readonly byte[] True = "true"u8.ToArray();
    public static readonly byte[] False = "false"u8.ToArray();
    public static readonly byte[] EmptyArray = "[]"u8.ToArray();

    private static readonly JsonWriterOptions Options = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    // Departments, countries and the like repeat a hundred thousand times in a large tenant.
    private static readonly ConcurrentDictionary<string, byte[]> Shared = new(StringComparer.Ordinal);

    public static byte[] Of(bool value) => value ? True : False;

    public static byte[] Of(string? value) =>
        value is null ? Null
        : IsPlain(value) ? Encoding.ASCII.GetBytes($"\"{value}\"")
        : Write(writer => writer.WriteStringValue(value));

    public static byte[] OfShared(string value) => Shared.GetOrAdd(value, static text => Of(text));

    public static byte[] Of(DateTimeOffset value) =>
        Of(value.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture));

    public static byte[] OfList(params IEnumerable<string> values) =>
        Write(writer =>
        {
            writer.WriteStartArray();
            foreach (var value in values)
            {
                writer.WriteStringValue(value);
            }

            writer.WriteEndArray();
        });

    public static byte[] Of(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.Null or JsonValueKind.Undefined => Null,
            JsonValueKind.True => True,
            JsonValueKind.False => False,
            _ => Write(value.WriteTo),
        };

    /// <summary>The text of a JSON string value; null for null, absent and anything that is not a string.</summary>
    public static string? Text(byte[]? json) =>
        json is [(byte)'"', ..] ? JsonSerializer.Deserialize<string>(json) : null;

    public static string Raw(byte[] json) => Encoding.UTF8.GetString(json);

    private static bool IsPlain(string value) =>
        !value.AsSpan().ContainsAnyExceptInRange(' ', '~') && !value.AsSpan().ContainsAny('"', '\\');

    private static byte[] Write(Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, Options))
        {
            write(writer);
        }

        return stream.ToArray();
    }
}
