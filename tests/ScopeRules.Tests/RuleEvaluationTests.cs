using Rollcall.Api.Directory.V1;
using Rollcall.ScopeRules.Rules;

namespace Rollcall.ScopeRules.Tests;

public sealed class RuleEvaluationTests
{
    private static readonly Group Finance = People.Group("Finance team");
    private static readonly Group Board = People.Group("Board");
    private static readonly Group Gone = new(People.Group("Gone")) { Removed = true };
    private static readonly Dictionary<string, Group> Groups = new[] { Finance, Board, Gone }.ToDictionary(g => g.Id);

    private static readonly User Ada = People.Person(u =>
    {
        u.ExternalId = "0f1e";
        u.DisplayName = "David Holm";
        u.GivenName = "David";
        u.Department = "Sales";
        u.JobTitle = "Senior Account Manager";
        u.Mail = "david@fabrikam.example";
        u.Country = "DK";
        u.OfficeLocation = "HQ";
        u.DirectReports = 3;
        u.AssignedLicenses = 2;
        u.ExtensionAttributes["extensionAttribute7"] = "Marketing";
        u.GroupIds.AddRange([Finance.Id, Gone.Id, "unknown"]);
    });

    public static TheoryData<string, bool> Rules { get; } =
        new()
        {
            { "user.department -eq \"sales\"", true },
            { "user.department -eq \"Sale\"", false },
            { "user.department -ne \"sales\"", false },
            { "user.department -startsWith \"SA\"", true },
            { "user.department -notStartsWith \"SA\"", false },
            { "user.department -endsWith \"LES\"", true },
            { "user.department -notEndsWith \"LES\"", false },
            { "user.jobTitle -contains \"account\"", true },
            { "user.jobTitle -notContains \"account\"", false },
            { "user.displayName -match \"^Da.*\"", true },
            { "user.displayName -match \".*vid\"", true },
            { "user.displayName -match \"^da\"", true },
            { "user.displayName -match \"^vid\"", false },
            { "user.displayName -notMatch \"^vid\"", true },
            { "user.displayName -match \"^(?!x)\"", true },
            { "user.country -in [\"SE\", \"dk\"]", true },
            { "user.country -notIn [\"SE\", \"dk\"]", false },
            { "user.accountEnabled -eq true", true },
            { "user.accountEnabled -ne true", false },
            { "user.objectId -ne null", true },
            { "user.objectId -eq \"0F1E\"", true },
            { "user.userType -eq \"member\"", true },
            { "user.physicalDeliveryOfficeName -eq \"hq\"", true },
            { "user.extensionAttribute7 -eq \"Marketing\"", true },
            { "user.extensionAttribute8 -eq null", true },
            { "user.accountKind -eq \"person\"", true },
            { "user.directReports -ge 3", true },
            { "user.directReports -le 2", false },
            { "user.directReports -in [1, 3]", true },
            { "user.hasDirectReports -eq true", true },
            { "user.assignedLicenses -eq 0", false },
            // An attribute without a value is null: equal to null alone, and outside of everything else.
            { "user.city -eq null", true },
            { "user.city -ne null", false },
            { "user.department -eq null", false },
            { "user.city -eq \"\"", false },
            { "user.city -eq \"null\"", false },
            { "user.city -ne \"Oslo\"", true },
            { "user.city -startsWith \"\"", false },
            { "user.city -contains \"o\"", false },
            { "user.city -notContains \"o\"", true },
            { "user.city -match \".*\"", false },
            { "user.city -notMatch \".*\"", true },
            { "user.city -in [\"Oslo\"]", false },
            { "user.city -notIn [\"Oslo\"]", true },
            // Precedence.
            { "user.city -eq \"a\" -and user.city -eq \"b\" -or user.country -eq \"DK\"", true },
            { "user.city -eq \"a\" -and (user.city -eq \"b\" -or user.country -eq \"DK\")", false },
            { "-not user.country -eq \"DK\" -or user.country -eq \"DK\"", true },
            { "-not (user.country -eq \"DK\" -or user.country -eq \"DK\")", false },
            { "-not -not (user.country -eq \"DK\")", true },
            // Groups: those removed or unknown count for nothing.
            { "user.memberOf -any (group.displayName -in [\"finance TEAM\"])", true },
            { "user.memberOf -any (group.displayName -eq \"Board\")", false },
            { "user.memberOf -any (group.displayName -eq \"Gone\")", false },
            { "user.memberOf -any (group.objectId -in ['entra-group-Finance team'])", true },
            { "user.memberOf -all (group.displayName -startsWith \"Fin\")", true },
            { "user.memberOf -all (group.displayName -eq \"Board\")", false },
            { "user.memberOf -any (group.displayName -eq \"x\" -or group.displayName -match \"team$\")", true },
        };

    [Theory]
    [MemberData(nameof(Rules))]
    public void Matches_Rule_AsEntraDocuments(string text, bool expected)
    {
        var rule = RuleText.Parse(text, "any");

        Assert.Equal(expected, rule.Matches(new(Ada, Groups)));
    }

    [Fact]
    public void Matches_AllGroupsOfNobody_IsTrue()
    {
        var rule = RuleText.Parse("user.memberOf -all (group.displayName -eq \"x\")", "any");

        Assert.True(rule.Matches(new(People.Person(), Groups)));
    }

    [Theory]
    [InlineData("user.department -eq \"Sales\"", "department is \"Sales\"")]
    [InlineData("user.department -eq \"HR\"", "department \"Sales\" is not \"HR\"")]
    [InlineData("user.city -eq \"Oslo\"", "city is empty")]
    [InlineData("user.city -ne null", "city is empty")]
    [InlineData("user.department -ne null", "department is \"Sales\"")]
    [InlineData("user.department -eq \"HR\" -or user.country -eq \"DK\"", "country is \"DK\"")]
    [InlineData("user.country -eq \"DK\" -or user.department -eq \"HR\"", "country is \"DK\"")]
    [InlineData(
        "user.department -eq \"HR\" -or user.country -eq \"SE\"",
        "department \"Sales\" is not \"HR\", country \"DK\" is not \"SE\""
    )]
    [InlineData("user.department -eq \"Sales\" -and user.country -eq \"SE\"", "country \"DK\" is not \"SE\"")]
    [InlineData(
        "user.department -eq \"Sales\" -and user.country -eq \"DK\"",
        "department is \"Sales\", country is \"DK\""
    )]
    [InlineData("-not (user.country -eq \"SE\")", "country \"DK\" is not \"SE\"")]
    [InlineData("user.directReports -ge 5", "directReports 3 is not at least 5")]
    [InlineData("user.country -in [\"SE\", \"DK\"]", "country \"DK\" is one of [\"SE\", \"DK\"]")]
    [InlineData(
        "user.memberOf -any (group.displayName -eq \"Finance team\")",
        "in a group whose displayName is \"Finance team\""
    )]
    [InlineData(
        "user.memberOf -any (group.displayName -eq \"Board\")",
        "in no group with group.displayName -eq \"Board\""
    )]
    public void Find_Rule_TellsWhatSettledIt(string text, string finding)
    {
        Assert.Equal(finding, RuleText.Parse(text, "any").Find(new(Ada, Groups)));
    }
}
