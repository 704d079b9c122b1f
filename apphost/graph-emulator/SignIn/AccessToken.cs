using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Rollcall.GraphEmulator.SignIn;

/// <summary>
/// The bearer token this emulator issues and checks itself: a JWT with the claims clients look at (tid, appid, roles).
/// </summary>
public sealed record AccessToken(
    Guid TenantId,
    string AppId,
    string[] Roles,
    DateTimeOffset IssuedAt,
    DateTimeOffset ExpiresAt
)
{
    // Opens nothing but this double; fixed so that tokens survive a restart, as the real ones would.
    private static readonly byte[] Key = SHA256.HashData("rollcall graph emulator access tokens"u8);
    private static readonly string Header = Base64Url.EncodeToString("{\"typ\":\"JWT\",\"alg\":\"HS256\"}"u8);

    public string Encode()
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            writer.WriteString("aud", "https://graph.microsoft.com");
            writer.WriteString("iss", $"https://sts.windows.net/{TenantId}/");
            writer.WriteNumber("iat", IssuedAt.ToUnixTimeSeconds());
            writer.WriteNumber("nbf", IssuedAt.ToUnixTimeSeconds());
            writer.WriteNumber("exp", ExpiresAt.ToUnixTimeSeconds());
            writer.WriteString("appid", AppId);
            writer.WriteString("idtyp", "app");
            writer.WriteString("tid", TenantId);
            writer.WriteString("ver", "1.0");
            writer.WriteNumber("iat_ms", IssuedAt.ToUnixTimeMilliseconds());
            if (Roles.Length > 0)
            {
                writer.WriteStartArray("roles");
                foreach (var role in Roles)
                {
                    writer.WriteStringValue(role);
                }

                writer.WriteEndArray();
            }

            writer.WriteEndObject();
        }

        var content = $"{Header}.{Base64Url.EncodeToString(stream.ToArray())}";
        return $"{content}.{Signature(content)}";
    }

    /// <summary>Null when the text is not a token issued here.</summary>
    public static AccessToken? Decode(string text)
    {
        var end = text.LastIndexOf('.');
        var start = text.IndexOf('.', StringComparison.Ordinal) + 1;
        if (start <= 0 || end <= start || Signature(text[..end]) != text[(end + 1)..])
        {
            return null;
        }

        using var claims = JsonDocument.Parse(Base64Url.DecodeFromChars(text.AsSpan(start, end - start)));
        var root = claims.RootElement;
        return new(
            root.GetProperty("tid").GetGuid(),
            root.GetProperty("appid").GetString()!,
            root.TryGetProperty("roles", out var roles) ? [.. roles.EnumerateArray().Select(r => r.GetString()!)] : [],
            DateTimeOffset.FromUnixTimeMilliseconds(root.GetProperty("iat_ms").GetInt64()),
            DateTimeOffset.FromUnixTimeSeconds(root.GetProperty("exp").GetInt64())
        );
    }

    private static string Signature(string content) =>
        Base64Url.EncodeToString(HMACSHA256.HashData(Key, Encoding.ASCII.GetBytes(content)));
}
