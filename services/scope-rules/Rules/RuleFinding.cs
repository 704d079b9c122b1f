namespace Rollcall.ScopeRules.Rules;

/// <summary>Tells in words which values made a rule match or not: only the parts that settled it.</summary>
public static class RuleFinding
{
    public static string Find(this RuleNode rule, RuleSubject subject) => Tell(rule, subject, rule.Matches(subject));

    private static string Tell(RuleNode rule, RuleSubject subject, bool matched) =>
        rule switch
        {
            AndNode and => Both(and.Left, and.Right, subject, both: matched, matched),
            OrNode or => Both(or.Left, or.Right, subject, both: !matched, matched),
            NotNode not => Tell(not.Operand, subject, !matched),
            QuantifiedNode quantified => Group(quantified, subject, matched),
            ComparisonNode comparison => Tell(comparison, subject, matched),
            _ => throw new ArgumentOutOfRangeException(nameof(rule)),
        };

    /// <summary>Both sides where both were needed for the outcome, else the first that settled it.</summary>
    private static string Both(RuleNode left, RuleNode right, RuleSubject subject, bool both, bool matched)
    {
        if (both)
        {
            return $"{left.Find(subject)}, {right.Find(subject)}";
        }

        return (left.Matches(subject) == matched ? left : right).Find(subject);
    }

    private static string Group(QuantifiedNode quantified, RuleSubject subject, bool matched)
    {
        var decisive = RuleEvaluation
            .ItemsOf(subject)
            .FirstOrDefault(g => quantified.Condition.Matches(g) != quantified.All);
        return (decisive, quantified.All) switch
        {
            ({ } one, _) => $"{(matched ? "in" : "also in")} a group whose {quantified.Condition.Find(one)}",
            (null, true) => $"every group has {quantified.Condition}",
            (null, false) => $"in no group with {quantified.Condition}",
        };
    }

    private static string Tell(ComparisonNode comparison, RuleSubject subject, bool matched)
    {
        var name = comparison.Property.Name[(comparison.Property.Name.IndexOf('.', StringComparison.Ordinal) + 1)..];
        var actual = comparison.Property.Of(subject);
        var op = comparison.Operator;
        if (actual is NullValue)
        {
            return $"{name} is empty";
        }

        return op switch
        {
            RuleOperator.Eq or RuleOperator.Ne when comparison.Value is NullValue => $"{name} is {actual}",
            RuleOperator.Eq when matched => $"{name} is {actual}",
            _ => $"{name} {actual} {Words(op, matched)} {comparison.Value}",
        };
    }

    private static string Words(RuleOperator op, bool matched) =>
        matched
            ? op.Words()
            : op.Opposite()?.Words() ?? op.Words().Replace("is at", "is not at", StringComparison.Ordinal);
}
