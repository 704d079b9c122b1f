namespace Rollcall.ScopeRules.Rules;

public enum RuleOperator
{
    Eq,
    Ne,
    StartsWith,
    NotStartsWith,
    EndsWith,
    NotEndsWith,
    Contains,
    NotContains,
    Match,
    NotMatch,
    In,
    NotIn,
    Ge,
    Le,
}

/// <summary>How operators are written and told.</summary>
public static class RuleOperators
{
    public static IReadOnlyDictionary<string, RuleOperator> ByName { get; } =
        Enum.GetValues<RuleOperator>().ToDictionary(o => o.ToString(), o => o, StringComparer.OrdinalIgnoreCase);

    public static string Text(this RuleOperator op) =>
        $"-{char.ToLowerInvariant(op.ToString()[0])}{op.ToString()[1..]}";

    public static string Words(this RuleOperator op) =>
        op switch
        {
            RuleOperator.Eq => "is",
            RuleOperator.Ne => "is not",
            RuleOperator.StartsWith => "starts with",
            RuleOperator.NotStartsWith => "does not start with",
            RuleOperator.EndsWith => "ends with",
            RuleOperator.NotEndsWith => "does not end with",
            RuleOperator.Contains => "contains",
            RuleOperator.NotContains => "does not contain",
            RuleOperator.Match => "matches",
            RuleOperator.NotMatch => "does not match",
            RuleOperator.In => "is one of",
            RuleOperator.NotIn => "is none of",
            RuleOperator.Ge => "is at least",
            RuleOperator.Le => "is at most",
        };

    /// <summary>The operator that is true whenever this one is false.</summary>
    public static RuleOperator? Opposite(this RuleOperator op) =>
        op switch
        {
            RuleOperator.Eq => RuleOperator.Ne,
            RuleOperator.Ne => RuleOperator.Eq,
            RuleOperator.StartsWith => RuleOperator.NotStartsWith,
            RuleOperator.NotStartsWith => RuleOperator.StartsWith,
            RuleOperator.EndsWith => RuleOperator.NotEndsWith,
            RuleOperator.NotEndsWith => RuleOperator.EndsWith,
            RuleOperator.Contains => RuleOperator.NotContains,
            RuleOperator.NotContains => RuleOperator.Contains,
            RuleOperator.Match => RuleOperator.NotMatch,
            RuleOperator.NotMatch => RuleOperator.Match,
            RuleOperator.In => RuleOperator.NotIn,
            RuleOperator.NotIn => RuleOperator.In,
            RuleOperator.Ge or RuleOperator.Le => null,
        };

    public static bool Fits(this RuleOperator op, PropertyType type) =>
        op switch
        {
            RuleOperator.Eq or RuleOperator.Ne => type is not PropertyType.Groups,
            RuleOperator.In or RuleOperator.NotIn => type is PropertyType.Text or PropertyType.Number,
            RuleOperator.Ge or RuleOperator.Le => type is PropertyType.Number,
            RuleOperator.StartsWith
            or RuleOperator.NotStartsWith
            or RuleOperator.EndsWith
            or RuleOperator.NotEndsWith
            or RuleOperator.Contains
            or RuleOperator.NotContains
            or RuleOperator.Match
            or RuleOperator.NotMatch => type is PropertyType.Text,
        };
}
