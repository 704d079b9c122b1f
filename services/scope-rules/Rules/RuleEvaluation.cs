using System.Text.RegularExpressions;

namespace Rollcall.ScopeRules.Rules;

/// <summary>
/// Holds a rule against a user. Texts compare without regard to case. An attribute without a value is null: it equals
/// null alone, and every positive comparison with it is false, every negated one true.
/// </summary>
public static class RuleEvaluation
{
    /// <exception cref="RegexMatchTimeoutException">A backtracking pattern took longer than its limit.</exception>
    public static bool Matches(this RuleNode rule, RuleSubject subject) =>
        rule switch
        {
            AndNode and => and.Left.Matches(subject) && and.Right.Matches(subject),
            OrNode or => or.Left.Matches(subject) || or.Right.Matches(subject),
            NotNode not => !not.Operand.Matches(subject),
            QuantifiedNode { All: true } all => ItemsOf(subject).All(g => all.Condition.Matches(g)),
            QuantifiedNode any => ItemsOf(subject).Any(g => any.Condition.Matches(g)),
            ComparisonNode comparison => Compare(
                comparison.Property.Of(subject),
                comparison.Operator,
                comparison.Value
            ),
            _ => throw new ArgumentOutOfRangeException(nameof(rule)),
        };

    /// <summary>The subject once for each of the user's groups.</summary>
    internal static IEnumerable<RuleSubject> ItemsOf(RuleSubject subject)
    {
        foreach (var id in subject.User.GroupIds)
        {
            if (subject.Groups.TryGetValue(id, out var group) && !group.Removed)
            {
                yield return subject with
                {
                    Group = group,
                };
            }
        }
    }

    private static bool Compare(RuleValue actual, RuleOperator op, RuleValue value) =>
        op switch
        {
            RuleOperator.Eq => Same(actual, value),
            RuleOperator.StartsWith => Text(actual, value, static (a, v) => a.StartsWith(v, Ignore)),
            RuleOperator.EndsWith => Text(actual, value, static (a, v) => a.EndsWith(v, Ignore)),
            RuleOperator.Contains => Text(actual, value, static (a, v) => a.Contains(v, Ignore)),
            RuleOperator.Match => actual is TextValue text && ((PatternValue)value).Regex.IsMatch(text.Text),
            RuleOperator.In => ((ListValue)value).Items.Any(item => Same(actual, item)),
            RuleOperator.Ge => ((NumberValue)actual).Number >= ((NumberValue)value).Number,
            RuleOperator.Le => ((NumberValue)actual).Number <= ((NumberValue)value).Number,
            RuleOperator.Ne
            or RuleOperator.NotStartsWith
            or RuleOperator.NotEndsWith
            or RuleOperator.NotContains
            or RuleOperator.NotMatch
            or RuleOperator.NotIn => !Compare(actual, op.Opposite()!.Value, value),
        };

    private const StringComparison Ignore = StringComparison.OrdinalIgnoreCase;

    private static bool Same(RuleValue actual, RuleValue value) =>
        (actual, value) switch
        {
            (TextValue a, TextValue v) => a.Text.Equals(v.Text, Ignore),
            _ => actual == value,
        };

    private static bool Text(RuleValue actual, RuleValue value, Func<string, string, bool> test) =>
        actual is TextValue a && value is TextValue v && test(a.Text, v.Text);
}
