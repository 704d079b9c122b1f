using System.Globalization;
using Parlot;

namespace Rollcall.ScopeRules.Rules;

/// <summary>Whether property, operator and value go together.</summary>
internal static class RuleChecks
{
    public static ParseException Expected(string what, int offset) =>
        new(what, new TextPosition(offset, 1, offset + 1));

    public static ComparisonNode Compare(
        RuleProperty property,
        RuleOperator op,
        int operatorAt,
        RuleValue value,
        int valueAt
    )
    {
        if (!op.Fits(property.Type))
        {
            throw Expected($"{Operators(property.Type)} after {property.Name}, not {op.Text()}", operatorAt);
        }

        return new(property, op, Value(property, op, value, valueAt));
    }

    private static RuleValue Value(RuleProperty property, RuleOperator op, RuleValue value, int at) =>
        op switch
        {
            RuleOperator.In or RuleOperator.NotIn => value is ListValue list
                ? new ListValue([.. list.Items.Select(i => Single(property, i, at))])
                : throw Expected("a list such as [\"a\", \"b\"]", at),
            RuleOperator.Match or RuleOperator.NotMatch => Pattern(value, at),
            RuleOperator.Eq or RuleOperator.Ne when value is NullValue => value,
            _ => Single(property, value, at),
        };

    /// <summary>Quotes around true, false and numbers are optional, as Entra has it.</summary>
    private static RuleValue Single(RuleProperty property, RuleValue value, int at) =>
        (property.Type, value) switch
        {
            (PropertyType.Text, TextValue) or (PropertyType.Flag, FlagValue) or (PropertyType.Number, NumberValue) =>
                value,
            (PropertyType.Flag, TextValue text) when bool.TryParse(text.Text, out var flag) => new FlagValue(flag),
            (PropertyType.Number, TextValue text)
                when decimal.TryParse(
                    text.Text,
                    NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint,
                    CultureInfo.InvariantCulture,
                    out var number
                ) => new NumberValue(number),
            (PropertyType.Flag, _) => throw Expected("true or false", at),
            (PropertyType.Number, _) => throw Expected("a number", at),
            _ => throw Expected("a text in quotes", at),
        };

    private static PatternValue Pattern(RuleValue value, int at)
    {
        if (value is not TextValue text)
        {
            throw Expected("a regular expression in quotes", at);
        }

        try
        {
            return new(text.Text);
        }
        catch (ArgumentException e)
        {
            throw Expected($"a regular expression; {e.Message}", at);
        }
    }

    private static string Operators(PropertyType type) =>
        string.Join(", ", Enum.GetValues<RuleOperator>().Where(o => o.Fits(type)).Select(o => o.Text()));
}
