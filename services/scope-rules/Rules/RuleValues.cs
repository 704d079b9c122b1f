using Parlot.Fluent;

namespace Rollcall.ScopeRules.Rules;

/// <summary>The values a rule compares with, each with the offset it stands at.</summary>
internal static class RuleValues
{
    public static Parser<(RuleValue Value, int At)> Grammar { get; } = Build();

    private static Parser<(RuleValue Value, int At)> Build()
    {
        // A quote in the value is written `" or, between single quotes, ''. A backslash is only itself: it belongs to
        // regular expressions.
        var doubled = Literals
            .Char('"')
            .SkipAnd(Capture(Literals.Text("`\"").Or(Literals.NoneOf("\"", 1, 1).Then(_ => "")).ZeroOrMany()))
            .AndSkip(Literals.Char('"').ElseError("a closing \""))
            .Then(s => s.ToString().Replace("`\"", "\"", StringComparison.Ordinal));
        var single = Literals
            .Char('\'')
            .SkipAnd(Capture(Literals.Text("''").Or(Literals.NoneOf("'", 1, 1).Then(_ => "")).ZeroOrMany()))
            .AndSkip(Literals.Char('\'').ElseError("a closing '"))
            .Then(s => s.ToString().Replace("''", "'", StringComparison.Ordinal));
        var text = SkipWhiteSpace(doubled.Or(single)).Then<RuleValue>(s => new TextValue(s));
        var number = Terms
            .Decimal(NumberOptions.AllowLeadingSign | NumberOptions.AllowDecimalSeparator)
            .Then<RuleValue>(n => new NumberValue(n));
        var word = Terms
            .Identifier()
            .Then(w => w.ToString().ToLowerInvariant())
            .When((_, w) => w is "true" or "false" or "null")
            .Then<RuleValue>(w => w == "null" ? NullValue.Instance : new FlagValue(w == "true"));
        var scalar = text.Or(number).Or(word);
        var list = Terms
            .Char('[')
            .SkipAnd(Separated(Terms.Char(','), scalar.ElseError("a value such as \"Sales\"")))
            .AndSkip(Terms.Char(']').ElseError(", or ]"))
            .Then<RuleValue>(items => new ListValue(items));
        return scalar.Or(list).Then((_, start, _, value) => (value, start));
    }
}
