using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Rollcall.GraphEmulator.Model;

namespace Rollcall.GraphEmulator.SignIn;

/// <summary>Checks a client_assertion: signed by a certificate of the application, for this endpoint, now.</summary>
public static class ClientAssertion
{
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(5);

    /// <summary>Null when the assertion is good, else the AADSTS code.</summary>
    public static int? Check(AppRegistration app, string assertion)
    {
        var parts = assertion.Split('.');
        if (parts.Length != 3 || !Array.TrueForAll(parts, part => Base64Url.IsValid(part)))
        {
            return 700027;
        }

        try
        {
            using var header = JsonDocument.Parse(Base64Url.DecodeFromChars(parts[0]));
            using var claims = JsonDocument.Parse(Base64Url.DecodeFromChars(parts[1]));
            var signed = Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}");
            var signature = Base64Url.DecodeFromChars(parts[2]);
            return IsSigned(app, Text(header.RootElement, "alg"), signed, signature)
                ? CheckClaims(app, claims.RootElement)
                : 700027;
        }
        catch (JsonException)
        {
            return 700027;
        }
    }

    private static bool IsSigned(AppRegistration app, string? algorithm, byte[] signed, byte[] signature)
    {
        var padding = algorithm switch
        {
            "PS256" => RSASignaturePadding.Pss,
            "RS256" => RSASignaturePadding.Pkcs1,
            _ => null,
        };
        return padding is not null
            && app.Certificates.Exists(certificate =>
            {
                using var key = certificate.GetRSAPublicKey();
                return key?.VerifyData(signed, signature, HashAlgorithmName.SHA256, padding) == true;
            });
    }

    private static int? CheckClaims(AppRegistration app, JsonElement claims)
    {
        if (
            !string.Equals(Text(claims, "iss"), app.ClientId, StringComparison.OrdinalIgnoreCase)
            || !string.Equals(Text(claims, "sub"), app.ClientId, StringComparison.OrdinalIgnoreCase)
        )
        {
            return 700027;
        }

        if (Text(claims, "aud")?.EndsWith("/oauth2/v2.0/token", StringComparison.Ordinal) != true)
        {
            return 700023;
        }

        var now = TimeProvider.System.GetUtcNow();
        var inTime = Time(claims, "exp") > now - Skew && !(Time(claims, "nbf") > now + Skew);
        return inTime ? null : 700024;
    }

    private static string? Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>A numeric date; Microsoft's own library writes it as a string.</summary>
    private static DateTimeOffset? Time(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value)
        && long.TryParse(value.ToString(), CultureInfo.InvariantCulture, out var seconds)
            ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : null;
}
