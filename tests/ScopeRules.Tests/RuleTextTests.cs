using System.Globalization;
using Rollcall.Platform;
using Rollcall.ScopeRules.Rules;

namespace Rollcall.ScopeRules.Tests;

public sealed class RuleTextTests
{
    public static TheoryData<string, string, string> Rules { get; } =
        new()
        {
            { "one comparison", "user.department -eq \"Sales\"", "user.department -eq \"Sales\"" },
            { "without dash, any case", "USER.Department EQ 'Sales'", "user.department -eq \"Sales\"" },
            { "the dash of Microsoft's page", "user.mail –ne null", "user.mail -ne null" },
            {
                "no blanks needed",
                "(user.city-eq\"Oslo\")-or(user.city-eq\"Bergen\")",
                "user.city -eq \"Oslo\" -or user.city -eq \"Bergen\""
            },
            {
                "lines and tabs",
                "user.city -eq \"Oslo\"\r\n\t-and user.mail -ne null \n",
                "user.city -eq \"Oslo\" -and user.mail -ne null"
            },
            {
                "and binds stronger than or",
                "user.city -eq \"a\" -or user.city -eq \"b\" -and user.city -eq \"c\"",
                "user.city -eq \"a\" -or user.city -eq \"b\" -and user.city -eq \"c\""
            },
            {
                "parentheses that matter stay",
                "(user.city -eq \"a\" -or user.city -eq \"b\") -and user.city -eq \"c\"",
                "(user.city -eq \"a\" -or user.city -eq \"b\") -and user.city -eq \"c\""
            },
            {
                "not binds stronger than and",
                "-not user.city -eq \"a\" -and user.city -eq \"b\"",
                "-not user.city -eq \"a\" -and user.city -eq \"b\""
            },
            {
                "not of a group",
                "not (user.city -eq \"a\" -and user.city -eq \"b\")",
                "-not (user.city -eq \"a\" -and user.city -eq \"b\")"
            },
            { "double quote inside", "user.city -eq \"a `\"b`\"\"", "user.city -eq 'a \"b\"'" },
            { "single quote inside", "user.city -eq 'it''s'", "user.city -eq \"it's\"" },
            { "empty text", "user.city -eq \"\"", "user.city -eq \"\"" },
            { "null in quotes is a text", "user.city -eq \"null\"", "user.city -eq \"null\"" },
            { "a backslash is itself", "user.city -match \"^\\d+$\"", "user.city -match \"^\\d+$\"" },
            { "lookaround is allowed", "user.jobTitle -match \"(?=.*lead)\"", "user.jobTitle -match \"(?=.*lead)\"" },
            { "list", "user.city -in [\"Oslo\" , 'Bergen']", "user.city -in [\"Oslo\", \"Bergen\"]" },
            { "flag", "user.accountEnabled -eq TRUE", "user.accountEnabled -eq true" },
            { "flag in quotes", "user.accountEnabled -eq \"false\"", "user.accountEnabled -eq false" },
            { "number", "user.directReports -ge 3", "user.directReports -ge 3" },
            { "number in quotes", "user.directReports -eq \"3\"", "user.directReports -eq 3" },
            { "list of numbers", "user.assignedLicenses -notIn [0, 1]", "user.assignedLicenses -notIn [0, 1]" },
            {
                "Graph's name of the office",
                "user.officeLocation -eq \"HQ\"",
                "user.physicalDeliveryOfficeName -eq \"HQ\""
            },
            {
                "extension attribute",
                "user.extensionAttribute15 -startsWith \"x\"",
                "user.extensionAttribute15 -startsWith \"x\""
            },
            {
                "groups by name",
                "user.memberof -any (group.displayName -in ['A','B'])",
                "user.memberOf -any (group.displayName -in [\"A\", \"B\"])"
            },
            {
                "groups by id",
                "user.memberOf -all (group.id -ne \"x\" -and group.displayName -ne null)",
                "user.memberOf -all (group.objectId -ne \"x\" -and group.displayName -ne null)"
            },
        };

    [Theory]
    [MemberData(nameof(Rules))]
    public void Parse_Rule_GivesItsTree(string because, string text, string printed)
    {
        Assert.NotEmpty(because);
        Assert.Equal(printed, RuleText.Parse(text, "finance").ToString());
    }

    public static TheoryData<string, int, string> Mistakes { get; } =
        new()
        {
            { "", 1, "a condition such as" },
            { "   ", 4, "a condition such as" },
            { "user.department", 16, "an operator such as -eq" },
            { "user.department -not null", 17, "an operator such as -eq" },
            { "user.department -eq", 20, "a value such as" },
            { "user.department -eq Sales", 21, "a value such as" },
            { "user.department -eq \"Sales", 27, "a closing \"" },
            { "user.department -eq 'Sales", 27, "a closing '" },
            { "user.salary -eq \"1\"", 1, "a known property such as user.department, not user.salary" },
            { "device.city -eq \"1\"", 1, "a known property" },
            { "group.displayName -eq \"1\"", 1, "a known property such as user.department" },
            { "(user.city -eq \"Oslo\"", 22, "-and, -or or )" },
            { "user.city -eq \"Oslo\")", 21, "-and, -or or the end of the rule" },
            { "user.city -eq \"Oslo\" user.city -eq \"Bergen\"", 22, "-and, -or or the end of the rule" },
            { "user.city -eq \"Oslo\" -and", 26, "a condition such as" },
            { "user.city -eq \"Oslo\" -or or", 26, "a known property" },
            { "-not", 5, "a condition such as" },
            { "user.city -ge \"Oslo\"", 11, "-eq, -ne, " },
            { "user.accountEnabled -contains \"t\"", 21, "-eq, -ne" },
            { "user.accountEnabled -eq \"yes\"", 25, "true or false" },
            { "user.directReports -ge \"many\"", 24, "a number" },
            { "user.city -eq 5", 15, "a text in quotes" },
            { "user.city -eq [\"Oslo\"]", 15, "a text in quotes" },
            { "user.city -contains null", 21, "a text in quotes" },
            { "user.city -in \"Oslo\"", 15, "a list such as" },
            { "user.city -in [\"Oslo\"", 22, ", or ]" },
            { "user.city -in [\"Oslo\",]", 23, "a value such as" },
            { "user.city -in [null]", 15, "a text in quotes" },
            { "user.city -match \"(\"", 18, "a regular expression" },
            { "user.memberOf -eq \"x\"", 15, "-any or -all" },
            { "user.memberOf -any group.displayName -eq \"x\"", 20, "( and a condition" },
            { "user.memberOf -any (user.city -eq \"x\")", 21, "a known property such as group.displayName" },
        };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void Parse_Mistake_NamesPositionAndWhatWasExpected(string text, int position, string expected)
    {
        var error = Assert.Throws<AppException>(() => RuleText.Parse(text, "finance"));

        Assert.Equal("RULE_SYNTAX", error.Reason);
        Assert.Equal("finance", error.Metadata["audience"]);
        Assert.Contains(expected, error.Metadata["expected"], StringComparison.Ordinal);
        Assert.Equal(position, int.Parse(error.Metadata["position"], CultureInfo.InvariantCulture));
    }

    [Fact]
    public void Parse_TooLong_IsRefused()
    {
        var text = $"user.city -eq \"{new string('x', RuleText.MaxLength)}\"";

        var error = Assert.Throws<AppException>(() => RuleText.Parse(text, "finance"));

        Assert.Equal("RULE_SYNTAX", error.Reason);
    }

    [Theory]
    [InlineData("(")]
    [InlineData("-not ")]
    public void Parse_AbsurdlyNested_IsRefusedAndTheProcessLives(string nesting)
    {
        var text = string.Concat(Enumerable.Repeat(nesting, RuleText.MaxLength / nesting.Length));

        var error = Assert.Throws<AppException>(() => RuleText.Parse(text, "finance"));

        Assert.Equal("RULE_SYNTAX", error.Reason);
    }
}
