using Rollcall.Api.Scope.V1;
using Rollcall.ScopeRules.Data;
using Rollcall.ScopeRules.Rules;

namespace Rollcall.ScopeRules.Decisions;

/// <summary>A policy's audiences with their rules parsed, ready to be held against people.</summary>
public sealed class PolicyRules
{
    private PolicyRules(long version, IReadOnlyList<PolicyAudience> audiences)
    {
        Version = version;
        Audiences = audiences;
        UsesGroups = audiences.Any(a => a.Rule.UsesGroups());
    }

    /// <summary>0 for rules that are not saved.</summary>
    public long Version { get; }
    public IReadOnlyList<PolicyAudience> Audiences { get; }

    /// <summary>A renamed or removed group can change who is in scope.</summary>
    public bool UsesGroups { get; }

    public IEnumerable<PolicyAudience> Including => Audiences.Where(a => a.Kind == AudienceKind.Include);

    public IEnumerable<PolicyAudience> Excluding => Audiences.Where(a => a.Kind == AudienceKind.Exclude);

    /// <exception cref="Platform.AppException">INVALID_ARGUMENT, RULE_SYNTAX.</exception>
    public static PolicyRules Parse(long version, IReadOnlyList<AudienceRule> audiences) =>
        new(
            version,
            [
                .. audiences.Select(a => new PolicyAudience(
                    a.Key,
                    a.DisplayName,
                    a.Kind,
                    a.Rule,
                    RuleCache.Get(a.Rule, a.Key)
                )),
            ]
        );
}

public sealed record PolicyAudience(string Key, string DisplayName, AudienceKind Kind, string Text, RuleNode Rule);
