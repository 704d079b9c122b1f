using System.Globalization;
using System.Text.RegularExpressions;

namespace Rollcall.ScopeRules.Rules;

/// <summary>A rule as a tree. Prints itself in the syntax it is parsed from.</summary>
public abstract record RuleNode
{
    /// <summary>How strongly the node binds; a weaker child needs parentheses.</summary>
    internal abstract int Strength { get; }

    public bool UsesGroups() =>
        this switch
        {
            QuantifiedNode => true,
            AndNode and => and.Left.UsesGroups() || and.Right.UsesGroups(),
            OrNode or => or.Left.UsesGroups() || or.Right.UsesGroups(),
            NotNode not => not.Operand.UsesGroups(),
            _ => false,
        };

    /// <summary>Names and ids of the groups the rule asks for.</summary>
    public IEnumerable<string> GroupsNamed() =>
        this switch
        {
            QuantifiedNode quantified => quantified.Condition.GroupsNamed(),
            AndNode and => and.Left.GroupsNamed().Concat(and.Right.GroupsNamed()),
            OrNode or => or.Left.GroupsNamed().Concat(or.Right.GroupsNamed()),
            NotNode not => not.Operand.GroupsNamed(),
            ComparisonNode { Operator: RuleOperator.Eq or RuleOperator.In } comparison
                when comparison.Property.IsOfGroup => comparison.Value.Texts(),
            _ => [],
        };

    internal string In(int strength) => Strength < strength ? $"({this})" : ToString();
}

public sealed record OrNode(RuleNode Left, RuleNode Right) : RuleNode
{
    internal override int Strength => 1;

    // The tree leans left, so a right child of the same kind had parentheses.
    public override string ToString() => $"{Left.In(1)} -or {Right.In(2)}";
}

public sealed record AndNode(RuleNode Left, RuleNode Right) : RuleNode
{
    internal override int Strength => 2;

    public override string ToString() => $"{Left.In(2)} -and {Right.In(3)}";
}

public sealed record NotNode(RuleNode Operand) : RuleNode
{
    internal override int Strength => 3;

    public override string ToString() => $"-not {Operand.In(3)}";
}

/// <summary>A condition on one or all items of a collection.</summary>
public sealed record QuantifiedNode(RuleProperty Collection, bool All, RuleNode Condition) : RuleNode
{
    internal override int Strength => 4;

    public override string ToString() => $"{Collection.Name} {(All ? "-all" : "-any")} ({Condition})";
}

public sealed record ComparisonNode(RuleProperty Property, RuleOperator Operator, RuleValue Value) : RuleNode
{
    internal override int Strength => 4;

    public override string ToString() => $"{Property.Name} {Operator.Text()} {Value}";
}

public abstract record RuleValue
{
    public IEnumerable<string> Texts() =>
        this switch
        {
            TextValue text => [text.Text],
            ListValue list => list.Items.SelectMany(i => i.Texts()),
            _ => [],
        };
}

/// <summary>What an attribute without a value has, and what null stands for in a rule.</summary>
public sealed record NullValue : RuleValue
{
    public static readonly NullValue Instance = new();

    public override string ToString() => "null";
}

public sealed record TextValue(string Text) : RuleValue
{
    public override string ToString() =>
        Text.AsSpan().IndexOfAny('"', '`') < 0
            ? $"\"{Text}\""
            : $"'{Text.Replace("'", "''", StringComparison.Ordinal)}'";
}

public sealed record NumberValue(decimal Number) : RuleValue
{
    public override string ToString() => Number.ToString(CultureInfo.InvariantCulture);
}

public sealed record FlagValue(bool Flag) : RuleValue
{
    public override string ToString() => Flag ? "true" : "false";
}

public sealed record ListValue(IReadOnlyList<RuleValue> Items) : RuleValue
{
    public bool Equals(ListValue? other) => other is not null && Items.SequenceEqual(other.Items);

    public override int GetHashCode() => Items.Aggregate(Items.Count, HashCode.Combine);

    public override string ToString() => $"[{string.Join(", ", Items)}]";
}

/// <summary>A regular expression of -match, ready to use.</summary>
public sealed record PatternValue(string Pattern) : RuleValue
{
    private static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(250);

    /// <exception cref="ArgumentException">The pattern is no regular expression.</exception>
    public Regex Regex { get; } = Build(Pattern);

    public bool Equals(PatternValue? other) => Pattern == other?.Pattern;

    public override int GetHashCode() => Pattern.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => new TextValue(Pattern).ToString();

    private static Regex Build(string pattern)
    {
        const RegexOptions options = RegexOptions.IgnoreCase | RegexOptions.CultureInvariant;
        try
        {
            return new(pattern, options | RegexOptions.NonBacktracking, Limit);
        }
        catch (NotSupportedException)
        {
            // Lookaround, backreferences and the like need backtracking; the limit keeps them from running away.
            return new(pattern, options, Limit);
        }
    }
}
