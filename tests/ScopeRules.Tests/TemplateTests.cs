using Rollcall.Api.Directory.V1;
using Rollcall.Api.Scope.V1;
using Rollcall.ScopeRules.Decisions;
using Rollcall.ScopeRules.Policies;

namespace Rollcall.ScopeRules.Tests;

public sealed class TemplateTests
{
    private static readonly Group Payroll = People.Group("Payroll");
    private static readonly PolicyRules Seven = PolicyRules.Parse(1, Template.Find("seven-audiences").Audiences);

    public static TheoryData<string, Action<User>, Verdict, string> Cases { get; } =
        new()
        {
            { "a person", _ => { }, Verdict.InScope, "baseline" },
            { "manager", u => u.DirectReports = 2, Verdict.InScope, "baseline,managers" },
            { "finance by department", u => u.Department = "accounting", Verdict.InScope, "baseline,finance" },
            { "finance by title", u => u.JobTitle = "Senior Accountant", Verdict.InScope, "baseline,finance" },
            { "finance by group", u => u.GroupIds.Add(Payroll.Id), Verdict.InScope, "baseline,finance" },
            { "account manager is not finance", u => u.JobTitle = "Account Manager", Verdict.InScope, "baseline" },
            {
                "chief financial officer",
                u => u.JobTitle = "Chief Financial Officer",
                Verdict.InScope,
                "baseline,executives,finance"
            },
            { "CEO", u => u.JobTitle = "CEO", Verdict.InScope, "baseline,executives" },
            { "assistant to the CEO", u => u.JobTitle = "Assistant to the CEO", Verdict.InScope, "baseline" },
            {
                "vice president",
                u => u.JobTitle = "Senior Vice President, Sales",
                Verdict.InScope,
                "baseline,executives"
            },
            { "administrator by title", u => u.JobTitle = "IT Administrator", Verdict.InScope, "admins,baseline" },
            { "administrator's second account", u => u.Kind = AccountKind.Admin, Verdict.InScope, "admins" },
            { "contractor by kind", u => u.Kind = AccountKind.Contractor, Verdict.InScope, "baseline,contractors" },
            {
                "contractor by employee type",
                u => u.EmployeeType = "Consultant",
                Verdict.InScope,
                "baseline,contractors"
            },
            { "guest", u => (u.Kind, u.UserType) = (AccountKind.Guest, "Guest"), Verdict.ExcludedByRule, "" },
            {
                "shared mailbox of finance",
                u => (u.Kind, u.Department) = (AccountKind.SharedMailbox, "Finance"),
                Verdict.NotAPerson,
                ""
            },
            {
                "disabled",
                u => (u.State, u.StateTime) = (UserState.Disabled, People.Day(2026, 3, 1)),
                Verdict.Paused,
                "baseline"
            },
        };

    [Theory]
    [MemberData(nameof(Cases))]
    public void SevenAudiences_Person_GetsTheirPaths(
        string because,
        Action<User> change,
        Verdict verdict,
        string audiences
    )
    {
        var decider = new Decider(
            Seven,
            Calendar.Of("Etc/UTC"),
            leaverAfterDays: 30,
            new DateTimeOffset(2026, 3, 10, 0, 0, 0, TimeSpan.Zero)
        );
        var groups = new Dictionary<string, Group> { [Payroll.Id] = Payroll };

        var outcome = decider.Decide(new(new(People.Person(change), groups), []));

        Assert.Equal((because, verdict, audiences), (because, outcome.Verdict, string.Join(',', outcome.Audiences)));
    }

    [Fact]
    public void All_EveryRule_IsARule()
    {
        Assert.All(Template.All, t => PolicyRules.Parse(1, t.Audiences));
        Assert.Equal(
            ["baseline", "managers", "finance", "executives", "admins", "contractors", "exclusions"],
            Seven.Audiences.Select(a => a.Key)
        );
    }
}
