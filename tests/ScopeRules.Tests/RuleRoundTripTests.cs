using CsCheck;
using Rollcall.Api.Directory.V1;
using Rollcall.ScopeRules.Rules;

namespace Rollcall.ScopeRules.Tests;

public sealed class RuleRoundTripTests
{
    private static readonly Gen<string> Texts = Gen.OneOf(
        Gen.String[Gen.Char["abcXYZ 019'\"`\\.^$*()[]{}|,–-æ\t\n"], 0, 12],
        Gen.String[0, 12]
    );

    private static readonly Gen<string> Patterns = Gen.String[Gen.Char["abc .19'\"`"], 0, 12];

    private static Gen<T> OneOf<T>(IEnumerable<T> values)
    {
        var all = values.ToArray();
        return Gen.Int[0, all.Length - 1].Select(i => all[i]);
    }

    private static Gen<RuleNode> Comparison(string owner) =>
        from property in OneOf(
            RuleProperty.All.Where(p =>
                p.Type != PropertyType.Groups && p.Name.StartsWith(owner, StringComparison.Ordinal)
            )
        )
        from op in OneOf(Enum.GetValues<RuleOperator>().Where(o => o.Fits(property.Type)))
        from value in Value(property, op)
        select (RuleNode)new ComparisonNode(property, op, value);

    private static Gen<RuleValue> Value(RuleProperty property, RuleOperator op) =>
        op switch
        {
            RuleOperator.In or RuleOperator.NotIn => Single(property)
                .Array[1, 4]
                .Select(items => (RuleValue)new ListValue(items)),
            RuleOperator.Match or RuleOperator.NotMatch => Patterns.Select(p => (RuleValue)new PatternValue(p)),
            RuleOperator.Eq or RuleOperator.Ne => Gen.Frequency(
                (1, Gen.Const<RuleValue>(NullValue.Instance)),
                (5, Single(property))
            ),
            _ => Single(property),
        };

    private static Gen<RuleValue> Single(RuleProperty property) =>
        property.Type switch
        {
            PropertyType.Flag => Gen.Bool.Select(f => (RuleValue)new FlagValue(f)),
            PropertyType.Number => Gen.Int[-1000, 1000].Select(n => (RuleValue)new NumberValue(n / 10m)),
            PropertyType.Text or PropertyType.Groups => Texts.Select(t => (RuleValue)new TextValue(t)),
        };

    private static Gen<RuleNode> Rule(string owner, int depth) =>
        depth == 0
            ? Comparison(owner)
            : Gen.Frequency(
                (3, Comparison(owner)),
                (2, Two(owner, depth).Select(x => (RuleNode)new AndNode(x.Item1, x.Item2))),
                (2, Two(owner, depth).Select(x => (RuleNode)new OrNode(x.Item1, x.Item2))),
                (1, Rule(owner, depth - 1).Select(r => (RuleNode)new NotNode(r))),
                (1, owner == "user." ? Quantified(depth) : Comparison(owner))
            );

    private static Gen<(RuleNode, RuleNode)> Two(string owner, int depth) =>
        Gen.Select(Rule(owner, depth - 1), Rule(owner, depth - 1));

    private static Gen<RuleNode> Quantified(int depth) =>
        Gen.Select(Gen.Bool, Rule("group.", depth - 1))
            .Select(x => (RuleNode)new QuantifiedNode(RuleProperty.Find("user.memberOf")!, x.Item1, x.Item2));

    [Fact]
    public void Parse_WhatARulePrints_GivesTheSameRule() =>
        Rule("user.", 4)
            .Where(r => r.ToString().Length <= RuleText.MaxLength)
            .Sample(rule => RuleText.Parse(rule.ToString(), "any").Equals(rule), iter: 2000, print: r => r.ToString());

    [Fact]
    public void Find_AnyRule_AgreesWithTheMatch() =>
        Rule("user.", 4)
            .Sample(
                rule =>
                {
                    var subject = new RuleSubject(People.Person(), new Dictionary<string, Group>());
                    var opposite = new NotNode(rule);
                    return rule.Find(subject).Length > 0 && rule.Matches(subject) != opposite.Matches(subject);
                },
                iter: 500,
                print: r => r.ToString()
            );
}
