using System.Globalization;
using Grpc.Core;
using Parlot;
using Parlot.Fluent;
using Rollcall.Platform;

namespace Rollcall.ScopeRules.Rules;

/// <summary>
/// Reads rules in the syntax of Entra's dynamic membership groups, so that what an MSP already has can be pasted:
/// https://learn.microsoft.com/entra/identity/users/groups-dynamic-membership. Operators with or without their dash, in
/// any case; comparisons bind stronger than -not, -not than -and, -and than -or.
/// </summary>
public static class RuleText
{
    /// <summary>Entra's own limit.</summary>
    public const int MaxLength = 3072;

    private const int MaxDepth = 200;
    private const string Condition = "a condition such as user.department -eq \"Sales\"";
    private const string Connective = "-and, -or or the end of the rule";

    /// <summary>Microsoft's page itself writes some operators with a dash that editors make of a hyphen.</summary>
    private static readonly Parser<string> Word = SkipWhiteSpace(
        Capture(Literals.AnyOf("-–—", 1, 1).Optional().And(Literals.Pattern(char.IsAsciiLetter)))
            .Then(w => w.ToString().TrimStart('-', '–', '—'))
    );

    private static readonly Parser<RuleNode> Grammar = Expressions("user", Expressions("group", item: null))
        .AndSkip(Literals.WhiteSpace(includeNewLines: true).Optional())
        .AndSkip(Always().Eof().ElseError(Connective));

    /// <exception cref="AppException">INVALID_ARGUMENT, RULE_SYNTAX: the audience's text is no rule.</exception>
    public static RuleNode Parse(string text, string audience)
    {
        if (text.Length > MaxLength)
        {
            throw Syntax(audience, MaxLength, $"at most {MaxLength} characters");
        }

        var context = new ParseContext(new Scanner(text), maxRecursionDepth: MaxDepth);
        if (Grammar.TryParse(context, out var rule, out var error))
        {
            return rule;
        }

        var at = error?.Position.Offset ?? context.Scanner.Cursor.Offset;
        while (at < text.Length && char.IsWhiteSpace(text[at]))
        {
            at++;
        }

        throw Syntax(audience, at, error?.Message ?? Condition);
    }

    private static AppException Syntax(string audience, int offset, string expected)
    {
        var position = (offset + 1).ToString(CultureInfo.InvariantCulture);
        return new(
            StatusCode.InvalidArgument,
            "RULE_SYNTAX",
            $"Rule of audience {audience}, position {position}: expected {expected}"
        )
        {
            Field = $"audiences[{audience}].rule",
            Metadata =
            {
                ["audience"] = audience,
                ["position"] = position,
                ["expected"] = expected,
            },
        };
    }

    /// <summary>Expressions over the properties of one object; <paramref name="item"/> is what -any and -all hold.</summary>
    private static Parser<RuleNode> Expressions(string owner, Parser<RuleNode>? item)
    {
        var or = Deferred<RuleNode>();
        var group = Terms.Char('(').SkipAnd(or).AndSkip(Terms.Char(')').ElseError("-and, -or or )"));
        var not = Deferred<RuleNode>();
        not.Parser = Is("not")
            .SkipAnd(not)
            .Then<RuleNode>(n => new NotNode(n))
            .Or(group)
            .Or(Comparisons(owner, item))
            .ElseError(Condition);
        var and = not.LeftAssociative((Is("and"), (l, r) => new AndNode(l, r)));
        or.Parser = and.LeftAssociative((Is("or"), (l, r) => new OrNode(l, r)));
        return or;
    }

    private static Parser<RuleNode> Comparisons(string owner, Parser<RuleNode>? item)
    {
        var property = Terms
            .Identifier(char.IsAsciiLetter, c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_')
            .Then((_, start, _, name) => PropertyOf(owner, name.ToString(), start));
        var quantified = property
            .When((_, p) => p.Type == PropertyType.Groups)
            .And(Is("any").Then(false).Or(Is("all").Then(true)).ElseError("-any or -all"))
            .AndSkip(Terms.Char('(').ElseError("( and a condition such as group.displayName -eq \"Finance\""))
            .And(item ?? Fail<RuleNode>())
            .AndSkip(Terms.Char(')').ElseError("-and, -or or )"))
            .Then<RuleNode>(x => new QuantifiedNode(x.Item1, x.Item2, x.Item3));
        var comparison = property
            .And(
                Word.When((_, w) => RuleOperators.ByName.ContainsKey(w))
                    .Then((_, start, _, w) => (Operator: RuleOperators.ByName[w], At: start))
                    .ElseError("an operator such as -eq")
            )
            .And(RuleValues.Grammar.ElseError("a value such as \"Sales\", true, 3, null or [\"a\", \"b\"]"))
            .Then<RuleNode>(x => RuleChecks.Compare(x.Item1, x.Item2.Operator, x.Item2.At, x.Item3.Value, x.Item3.At));
        return quantified.Or(comparison);
    }

    private static Parser<string> Is(string word) =>
        Word.When((_, w) => w.Equals(word, StringComparison.OrdinalIgnoreCase));

    private static RuleProperty PropertyOf(string owner, string name, int start) =>
        RuleProperty.Find(name) is { } property && property.Name.StartsWith($"{owner}.", StringComparison.Ordinal)
            ? property
            : throw RuleChecks.Expected($"a known property such as {Example(owner)}, not {name}", start);

    private static string Example(string owner) => owner == "user" ? "user.department" : "group.displayName";
}
