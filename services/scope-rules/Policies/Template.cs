using System.Text.Json;
using System.Text.Json.Serialization;
using Rollcall.Platform;
using Rollcall.ScopeRules.Data;

namespace Rollcall.ScopeRules.Policies;

/// <summary>Audiences a policy can start from. Data, not code: a file in Templates/ each.</summary>
public sealed record Template(string Key, string DisplayName, string Description, IReadOnlyList<AudienceRule> Audiences)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter() },
    };

    public static IReadOnlyList<Template> All { get; } = [.. Load().OrderBy(t => t.Key, StringComparer.Ordinal)];

    public static Template Find(string key) =>
        All.SingleOrDefault(t => t.Key == key) ?? throw AppException.NotFound("template", key);

    private static IEnumerable<Template> Load()
    {
        var assembly = typeof(Template).Assembly;
        foreach (var name in assembly.GetManifestResourceNames().Where(n => n.EndsWith(".json", Ordinal)))
        {
            using var file = assembly.GetManifestResourceStream(name)!;
            yield return JsonSerializer.Deserialize<Template>(file, Json)!;
        }
    }

    private const StringComparison Ordinal = StringComparison.Ordinal;
}
