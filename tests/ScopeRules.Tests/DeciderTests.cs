using Rollcall.Api.Directory.V1;
using Rollcall.Api.Scope.V1;
using Rollcall.ScopeRules.Decisions;

namespace Rollcall.ScopeRules.Tests;

public sealed class DeciderTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 10, 12, 0, 0, TimeSpan.Zero);

    private static readonly PolicyRules Policy = PolicyRules.Parse(
        1,
        [
            new("staff", "Staff", AudienceKind.Include, "user.userType -eq \"Member\""),
            new("finance", "Finance", AudienceKind.Include, "user.department -eq \"Finance\""),
            new("admins", "Administrators", AudienceKind.Include, "user.accountKind -eq \"admin\""),
            new("guests", "Guests", AudienceKind.Exclude, "user.userType -eq \"Guest\""),
        ]
    );

    private static Exemption Include(params string[] audiences) =>
        new(Guid.CreateVersion7(), ExceptionKind.Include, audiences, "Asked to join", ExpiresAt: null);

    private static Exemption Exclude() =>
        new(Guid.CreateVersion7(), ExceptionKind.Exclude, [], "On parental leave", ExpiresAt: null);

    public static TheoryData<string, Action<User>, Exemption[], Verdict, string, string> Cases { get; } =
        new()
        {
            { "a person", _ => { }, [], Verdict.InScope, "staff", "staff" },
            { "two audiences, sorted", u => u.Department = "Finance", [], Verdict.InScope, "finance,staff", "staff" },
            { "no audience", u => u.UserType = "", [], Verdict.NotIncluded, "", "no_audience" },
            { "an administrator's account", Admin, [], Verdict.InScope, "admins", "admins" },
            { "removed", u => u.State = UserState.Removed, [], Verdict.Left, "", "removed" },
            { "out of the import", Outside, [], Verdict.Left, "", "outside_import_scope" },
            { "purged", u => u.State = UserState.Purged, [], Verdict.Left, "", "purged" },
            { "leave date over", u => u.LeaveTime = People.Day(2026, 3, 9), [], Verdict.Left, "", "leave_date" },
            { "last day is today", u => u.LeaveTime = People.Day(2026, 3, 10), [], Verdict.InScope, "staff", "staff" },
            { "disabled 30 days", u => Disable(u, 2026, 2, 8), [], Verdict.Left, "", "disabled" },
            { "disabled 29 days", u => Disable(u, 2026, 2, 9), [], Verdict.Paused, "staff", "staff" },
            { "disabled until hired", Starter, [], Verdict.Held, "", "hire_date" },
            { "hired today", u => u.HireTime = People.Day(2026, 3, 10), [], Verdict.InScope, "staff", "staff" },
            { "hired tomorrow", u => u.HireTime = People.Day(2026, 3, 11), [], Verdict.Held, "", "hire_date" },
            {
                "hired tomorrow, excluded",
                u => (u.HireTime, u.UserType) = (People.Day(2026, 3, 11), "Guest"),
                [],
                Verdict.ExcludedByRule,
                "",
                "guests"
            },
            {
                "hired tomorrow, in no audience",
                u => (u.HireTime, u.UserType) = (People.Day(2026, 3, 11), ""),
                [],
                Verdict.NotIncluded,
                "",
                "no_audience"
            },
            { "escrowed", u => u.EscrowReason = "MAIL_MISSING", [], Verdict.Escrowed, "", "MAIL_MISSING" },
            {
                "left outweighs escrowed",
                u => (u.State, u.EscrowReason) = (UserState.Removed, "MAIL_MISSING"),
                [],
                Verdict.Left,
                "",
                "removed"
            },
            {
                "escrowed outweighs not a person",
                u => (u.Kind, u.EscrowReason) = (AccountKind.Resource, "MAIL_MISSING"),
                [],
                Verdict.Escrowed,
                "",
                "MAIL_MISSING"
            },
            { "shared mailbox", u => u.Kind = AccountKind.SharedMailbox, [], Verdict.NotAPerson, "", "sharedMailbox" },
            { "room", u => u.Kind = AccountKind.Resource, [], Verdict.NotAPerson, "", "resource" },
            { "service account", u => u.Kind = AccountKind.Service, [], Verdict.NotAPerson, "", "service" },
            {
                "not a person outweighs include exception",
                u => u.Kind = AccountKind.Resource,
                [Include()],
                Verdict.NotAPerson,
                "",
                "resource"
            },
            { "kind unconfirmed", u => u.Kind = AccountKind.Unspecified, [], Verdict.Held, "", "kind_unconfirmed" },
            {
                "kind unconfirmed, exception vouches",
                u => u.Kind = AccountKind.Unspecified,
                [Include()],
                Verdict.InScope,
                "staff",
                "#0"
            },
            {
                "kind unconfirmed, excluded by rule",
                u => (u.Kind, u.UserType) = (AccountKind.Unspecified, "Guest"),
                [],
                Verdict.ExcludedByRule,
                "",
                "guests"
            },
            {
                "exclude rule outweighs include rule",
                u => (u.UserType, u.Department) = ("Guest", "Finance"),
                [],
                Verdict.ExcludedByRule,
                "",
                "guests"
            },
            {
                "exclude rule outweighs include exception",
                u => u.UserType = "Guest",
                [Include()],
                Verdict.ExcludedByRule,
                "",
                "guests"
            },
            {
                "exclude exception outweighs exclude rule",
                u => u.UserType = "Guest",
                [Exclude()],
                Verdict.ExcludedByException,
                "",
                "#0"
            },
            {
                "exclude exception outweighs include exception",
                _ => { },
                [Include(), Exclude()],
                Verdict.ExcludedByException,
                "",
                "#1"
            },
            {
                "the oldest exclude exception decides",
                _ => { },
                [Exclude(), Exclude()],
                Verdict.ExcludedByException,
                "",
                "#0"
            },
            {
                "include exception without audiences",
                u => u.UserType = "",
                [Include()],
                Verdict.InScope,
                "staff",
                "#0"
            },
            {
                "include exception names an audience",
                u => u.UserType = "",
                [Include("finance")],
                Verdict.InScope,
                "finance",
                "#0"
            },
            {
                "include exception adds to the rules",
                _ => { },
                [Include("finance")],
                Verdict.InScope,
                "finance,staff",
                "#0"
            },
            {
                "include exception names an audience gone since",
                u => u.UserType = "",
                [Include("gone")],
                Verdict.InScope,
                "staff",
                "#0"
            },
            { "include exception, disabled", u => Disable(u, 2026, 3, 1), [Include()], Verdict.Paused, "staff", "#0" },
            {
                "include exception, not hired yet",
                u => u.HireTime = People.Day(2026, 4, 1),
                [Include()],
                Verdict.Held,
                "",
                "hire_date"
            },
            {
                "disabled and excluded",
                u =>
                {
                    Disable(u, 2026, 3, 1);
                    u.UserType = "Guest";
                },
                [],
                Verdict.ExcludedByRule,
                "",
                "guests"
            },
        };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Decide_Person_InOrderOfPrecedence(
        string because,
        Action<User> change,
        Exemption[] exceptions,
        Verdict verdict,
        string audiences,
        string code
    )
    {
        var trail = new List<ExplainStep>();

        var outcome = Decide(People.Person(change), exceptions, trail: trail);

        var expected = code.StartsWith('#') ? exceptions[code[1] - '0'].Id.ToString() : code;
        Assert.Equal(
            (because, verdict, audiences, expected),
            (because, outcome.Verdict, string.Join(',', outcome.Audiences), outcome.ReasonCode)
        );
        Assert.NotEmpty(outcome.Reason);
        Assert.Equal(verdict != Verdict.NotIncluded, trail[^1].Decided);
    }

    public static TheoryData<string, Action<User>, string, DateTimeOffset?> Times { get; } =
        new()
        {
            { "nothing ahead", _ => { }, "Etc/UTC", null },
            {
                "hire date, east of Greenwich",
                u => u.HireTime = People.Day(2026, 4, 1),
                "Pacific/Auckland",
                At(2026, 3, 31, 11)
            },
            {
                "hire date, west of Greenwich",
                u => u.HireTime = People.Day(2026, 4, 1),
                "America/New_York",
                At(2026, 4, 1, 4)
            },
            {
                "the day the clocks go forward at midnight",
                u => u.HireTime = People.Day(2026, 3, 29),
                "Asia/Beirut",
                At(2026, 3, 28, 22)
            },
            {
                "end of the leave date",
                u => u.LeaveTime = People.Day(2026, 4, 1),
                "Europe/Copenhagen",
                At(2026, 4, 1, 22)
            },
            { "disabled for long enough", u => Disable(u, 2026, 3, 1), "Etc/UTC", At(2026, 3, 31, 0) },
            {
                "the sooner of two",
                u =>
                {
                    Disable(u, 2026, 3, 1);
                    u.LeaveTime = People.Day(2026, 3, 20);
                },
                "Etc/UTC",
                At(2026, 3, 21, 0)
            },
            {
                "removed for good",
                u => (u.State, u.LeaveTime) = (UserState.Removed, People.Day(2026, 4, 1)),
                "Etc/UTC",
                null
            },
        };

    [Theory]
    [MemberData(nameof(Times))]
    public void Decide_DatesAhead_SetTheNextEvaluation(
        string because,
        Action<User> change,
        string zone,
        DateTimeOffset? expected
    )
    {
        var outcome = Decide(People.Person(change), [], zone);

        Assert.Equal((because, expected), (because, outcome.NextEvaluationAt));
    }

    [Fact]
    public void Decide_ExceptionEnds_ThatIsTheNextEvaluation()
    {
        var ends = Now.AddDays(3);

        var outcome = Decide(People.Person(), [Exclude() with { ExpiresAt = ends }]);

        Assert.Equal(ends, outcome.NextEvaluationAt);
    }

    [Fact]
    public void Decide_RuleRunsAway_HoldsThePersonAndTriesAgain()
    {
        var policy = PolicyRules.Parse(
            1,
            [new("slow", "Slow", AudienceKind.Include, "user.jobTitle -match \"^(?!x)(([a-z])+.)+[0-9]([a-z])+$\"")]
        );
        var person = People.Person(u => u.JobTitle = new string('a', 40) + "!");

        var outcome = new Decider(policy, Calendar.Of("Etc/UTC"), 30, Now).Decide(Candidate(person, []));

        Assert.Equal((Verdict.Held, "rule_timeout"), (outcome.Verdict, outcome.ReasonCode));
        Assert.Equal(Now.AddHours(1), outcome.NextEvaluationAt);
    }

    private static Outcome Decide(
        User user,
        Exemption[] exceptions,
        string zone = "Etc/UTC",
        List<ExplainStep>? trail = null
    ) => new Decider(Policy, Calendar.Of(zone), 30, Now).Decide(Candidate(user, exceptions), trail);

    private static Candidate Candidate(User user, Exemption[] exceptions) =>
        new(new(user, new Dictionary<string, Group>()), exceptions);

    private static void Outside(User user) => (user.State, user.OutsideImportScope) = (UserState.Removed, true);

    private static void Disable(User user, int year, int month, int day) =>
        (user.State, user.StateTime) = (UserState.Disabled, People.Day(year, month, day));

    /// <summary>Made and disabled long before the first day.</summary>
    private static void Starter(User user)
    {
        Disable(user, 2026, 1, 1);
        user.HireTime = People.Day(2026, 4, 1);
    }

    private static void Admin(User user) => (user.Kind, user.UserType) = (AccountKind.Admin, "");

    private static DateTimeOffset At(int year, int month, int day, int hour) =>
        new(year, month, day, hour, 0, 0, TimeSpan.Zero);
}
