using System.Text.Encodings.Web;
using System.Text.Json;

namespace Rollcall.Local;

/// <summary>How our JSON files are written: for people and for jq.</summary>
public static class Json
{
    public static readonly JsonSerializerOptions Readable = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
    };
}
