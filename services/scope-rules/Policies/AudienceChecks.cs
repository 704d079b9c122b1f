using System.Text.RegularExpressions;
using Rollcall.Api.Scope.V1;
using Rollcall.Platform;
using Rollcall.ScopeRules.Data;
using Rollcall.ScopeRules.Decisions;

namespace Rollcall.ScopeRules.Policies;

/// <summary>Reads the audiences of a request; every rule is parsed.</summary>
public static partial class AudienceChecks
{
    public const int MaxAudiences = 50;

    public static List<AudienceRule> Read(IReadOnlyList<Audience> audiences, string field)
    {
        if (audiences.Count is 0 or > MaxAudiences)
        {
            throw AppException.Invalid(field, $"must hold 1 to {MaxAudiences} audiences");
        }

        var rules = audiences.Select((a, i) => Read(a, $"{field}[{i}]")).ToList();
        if (rules.GroupBy(r => r.Key, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice)
        {
            throw AppException.Invalid(field, $"has the key {twice.Key} twice");
        }

        PolicyRules.Parse(0, rules);
        return rules;
    }

    public static string Key(string value, string field) =>
        KeyPattern().IsMatch(value)
            ? value
            : throw AppException.Invalid(field, "must be 1 to 40 lower-case letters, digits and hyphens");

    private static AudienceRule Read(Audience audience, string field) =>
        new(
            Key(audience.Key, $"{field}.key"),
            Requests.Text(audience.DisplayName, $"{field}.display_name", 100),
            audience.Kind is AudienceKind.Include or AudienceKind.Exclude
                ? audience.Kind
                : throw AppException.Invalid($"{field}.kind", "is required"),
            audience.Rule.Trim()
        );

    [GeneratedRegex("^[a-z0-9-]{1,40}$", RegexOptions.NonBacktracking)]
    private static partial Regex KeyPattern();
}
