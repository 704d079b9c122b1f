using Microsoft.Extensions.Configuration;

namespace Rollcall.Platform;

/// <summary>Required settings: a missing one stops the service at start, by name.</summary>
public static class Settings
{
    public static string Required(this IConfiguration configuration, string key) =>
        configuration[key] is { Length: > 0 } value
            ? value
            : throw new InvalidOperationException(
                $"Set {key} (environment {key.Replace(":", "__", StringComparison.Ordinal)})"
            );

    public static string RequiredConnectionString(this IConfiguration configuration, string name) =>
        configuration.Required($"ConnectionStrings:{name}");
}
