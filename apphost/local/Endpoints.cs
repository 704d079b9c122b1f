using System.Text.Json.Serialization;

namespace Rollcall.Local;

/// <summary>Where a running platform is, for people and for other programs: .run/endpoints.json.</summary>
public sealed record Endpoints
{
    public const string FileName = "endpoints.json";

    public required string Grpc { get; init; }
    public required string Http { get; init; }
    public required string Graph { get; init; }
    public required string Authority { get; init; }

    /// <summary>Maildir of everything that was sent.</summary>
    public required string Mail { get; init; }
    public required string Postgres { get; init; }
    public required string Redis { get; init; }
    public required string Rabbitmq { get; init; }
    public required string Token { get; init; }
    public required IReadOnlyDictionary<string, DemoCaller> Operators { get; init; }

    /// <summary>HTTP address of each service; only for those who run in this process.</summary>
    [JsonIgnore]
    public IReadOnlyDictionary<string, string> Services { get; init; } =
        new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Trusted for <see cref="Graph"/> and <see cref="Authority"/>; null = the machine's own roots.</summary>
    [JsonIgnore]
    public string? GraphCa { get; init; }

    /// <summary>Where data, logs and the clock's offset are.</summary>
    [JsonIgnore]
    public string RunFolder { get; init; } = "";
}

/// <summary>A caller of the demo, for the token endpoint.</summary>
public sealed record DemoCaller(string ClientId, string ClientSecret);
