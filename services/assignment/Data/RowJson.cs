using System.Text.Json;
using System.Text.Json.Serialization;

namespace Rollcall.Assignment.Data;

/// <summary>Rows as JSON with the columns' names: how many of them reach Postgres in one statement.</summary>
public static class RowJson
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        IgnoreReadOnlyProperties = true,
        Converters = { new JsonStringEnumConverter() },
    };

    public static string Write<T>(T value) => JsonSerializer.Serialize(value, Options);

    public static T Read<T>(string json) => JsonSerializer.Deserialize<T>(json, Options)!;
}
