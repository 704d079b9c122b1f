using Rollcall.Api.Directory.V1;
using Rollcall.Api.Scope.V1;

namespace Rollcall.ScopeRules.Tests;

public sealed class PolicyApiTests(ScopeFixture fixture)
{
    private readonly TestClient client = fixture.NewClient();

    [Fact]
    public async Task CreatePolicy_FromTemplate_IsADraftOfItsAudiences()
    {
        var answer = await client.Policies.CreatePolicyAsync(
            new() { ClientId = client.ClientId, TemplateKey = "seven-audiences" }
        );

        Assert.Equal(
            (1L, PolicyState.Draft, 7),
            (answer.Policy.Version, answer.Policy.State, answer.Policy.Audiences.Count)
        );
        var read = await client.Policies.GetPolicyAsync(new() { ClientId = client.ClientId });
        Assert.Equal(answer.Policy, read.Policy);
    }

    [Fact]
    public async Task CreatePolicy_SameRequestId_ReturnsTheFirst()
    {
        var request = new CreatePolicyRequest
        {
            ClientId = client.ClientId,
            Audiences = { TestClient.Staff },
            RequestId = Guid.CreateVersion7().ToString(),
        };

        var first = await client.Policies.CreatePolicyAsync(request);
        var second = await client.Policies.CreatePolicyAsync(request);

        Assert.Equal(first, second);
    }

    [Fact]
    public async Task CreatePolicy_AtOnceFromManySides_MakesOne()
    {
        var request = new CreatePolicyRequest { ClientId = client.ClientId, Audiences = { TestClient.Staff } };

        var outcomes = await Task.WhenAll(
            Enumerable
                .Range(0, 6)
                .Select(_ => OutcomeAsync(() => client.Policies.CreatePolicyAsync(request).ResponseAsync))
        );

        Assert.Equal(["POLICY_EXISTS", "ok"], outcomes.Distinct().Order());
        Assert.Single(outcomes, "ok");
    }

    public static TheoryData<string, Audience[], string> BadAudiences { get; } =
        new()
        {
            { "none", [], "FIELD_INVALID" },
            { "key", [TestClient.Include("Finance Team", "user.city -ne null")], "FIELD_INVALID" },
            { "twice", [TestClient.Staff, TestClient.Staff], "FIELD_INVALID" },
            {
                "kind",
                [
                    new()
                    {
                        Key = "a",
                        DisplayName = "A",
                        Rule = "user.city -ne null",
                    },
                ],
                "FIELD_INVALID"
            },
            {
                "name",
                [
                    new()
                    {
                        Key = "a",
                        Kind = AudienceKind.Include,
                        Rule = "user.city -ne null",
                    },
                ],
                "FIELD_INVALID"
            },
            { "rule", [TestClient.Staff, TestClient.Include("b", "user.city -is \"Oslo\"")], "RULE_SYNTAX" },
        };

    [Theory]
    [MemberData(nameof(BadAudiences))]
    public async Task CreatePolicy_BadAudiences_AreRefused(string because, Audience[] audiences, string reason)
    {
        var request = new CreatePolicyRequest { ClientId = client.ClientId, Audiences = { audiences } };

        var refusal = await TestClient.RefusalAsync(() => client.Policies.CreatePolicyAsync(request).ResponseAsync);

        Assert.Equal((because, reason), (because, refusal));
    }

    [Fact]
    public async Task UpdatePolicy_StaleEtag_IsRefused()
    {
        var draft = await client.DraftAsync(TestClient.Staff);
        await client.DraftAsync(TestClient.Finance);

        var refusal = await TestClient.RefusalAsync(() => UpdateAsync(draft.Etag, "audiences"));

        Assert.Equal("ETAG_MISMATCH", refusal);
    }

    [Fact]
    public async Task UpdatePolicy_UnknownPath_IsRefused()
    {
        var draft = await client.DraftAsync(TestClient.Staff);

        Assert.Equal("FIELD_INVALID", await TestClient.RefusalAsync(() => UpdateAsync(draft.Etag, "state")));
    }

    [Fact]
    public async Task UpdatePolicy_AfterPublish_BeginsTheNextVersion()
    {
        await client.PublishAsync(TestClient.Staff);

        var next = await client.DraftAsync(TestClient.Finance);

        Assert.Equal((2L, PolicyState.Draft), (next.Version, next.State));
        var first = await client.Policies.GetPolicyAsync(new() { ClientId = client.ClientId, Version = 1 });
        Assert.Equal([TestClient.Staff], first.Policy.Audiences);
    }

    [Fact]
    public async Task ApplyTemplate_Draft_TakesItsAudiences()
    {
        var draft = await client.DraftAsync(TestClient.Staff);

        var answer = await client.Policies.ApplyTemplateAsync(
            new()
            {
                ClientId = client.ClientId,
                TemplateKey = "seven-audiences",
                Etag = draft.Etag,
            }
        );

        Assert.Equal(("seven-audiences", 7), (answer.Policy.TemplateKey, answer.Policy.Audiences.Count));
        var refusal = await TestClient.RefusalAsync(() =>
            client.Policies.ApplyTemplateAsync(new() { ClientId = client.ClientId, TemplateKey = "none" }).ResponseAsync
        );
        Assert.Equal("TEMPLATE_NOT_FOUND", refusal);
    }

    [Fact]
    public async Task PublishPolicy_Draft_DecidesAboutEveryoneInPages()
    {
        var people = Enumerable.Range(0, 1100).Select(_ => People.Person()).ToList();
        await client.RosterAsync(people);

        await client.PublishAsync(TestClient.Staff);

        Assert.Equal(1100, (await client.DecisionsAsync()).Values.Count(d => d == (Verdict.InScope, "staff")));
    }

    [Fact]
    public async Task PublishPolicy_Again_ChangesOnlyWhatIsDifferent()
    {
        var (ada, bo) = (People.Person(), People.Person(u => u.Department = "Finance"));
        await client.RosterAsync(ada, bo);
        await client.PublishAsync(TestClient.Staff);

        await client.PublishAsync(TestClient.Staff, TestClient.Finance);

        Assert.Equal(1, (await client.DecisionAsync(ada)).Revision);
        var changed = await client.DecisionAsync(bo);
        Assert.Equal((2L, 2L), (changed.Revision, changed.PolicyVersion));
        Assert.Equal(["finance", "staff"], changed.Audiences);
        var versions = await client.Policies.ListPolicyVersionsAsync(new() { ClientId = client.ClientId });
        Assert.Equal(
            [(2L, PolicyState.Published), (1L, PolicyState.Superseded)],
            versions.Policies.Select(p => (p.Version, p.State))
        );
    }

    [Fact]
    public async Task PublishPolicy_SameRequestId_PublishesOnce()
    {
        var draft = await client.DraftAsync(TestClient.Staff);
        var request = new PublishPolicyRequest
        {
            ClientId = client.ClientId,
            Etag = draft.Etag,
            RequestId = Guid.CreateVersion7().ToString(),
        };

        await client.Policies.PublishPolicyAsync(request);
        var second = await client.Policies.PublishPolicyAsync(request);

        Assert.Equal((1L, PolicyState.Published), (second.Policy.Version, second.Policy.State));
    }

    [Fact]
    public async Task PublishPolicy_WrongState_IsRefusedByReason()
    {
        Assert.Equal("POLICY_NOT_FOUND", await PublishRefusalAsync("x"));

        await client.DraftAsync(TestClient.Staff);
        Assert.Equal("ETAG_MISMATCH", await PublishRefusalAsync("x"));

        var published = await client.PublishAsync(TestClient.Staff);
        Assert.Equal("DRAFT_MISSING", await PublishRefusalAsync(published.Etag));
    }

    [Fact]
    public async Task PublishPolicy_WhileTheRosterMoves_EndsAsThePolicySays()
    {
        var people = Enumerable.Range(0, 600).Select(_ => People.Person(u => u.Department = "Finance")).ToList();
        await client.RosterAsync(people);
        await client.PublishAsync(TestClient.Staff);
        var draft = await client.DraftAsync(TestClient.Finance);
        var moved = people.Select(u => new User(u) { Revision = 2, Department = "Sales" }).ToList();

        var roster = client.RosterAsync(moved);
        await client.Policies.PublishPolicyAsync(new() { ClientId = client.ClientId, Etag = draft.Etag });
        await roster;
        await client.SettledAsync();

        Assert.All((await client.DecisionsAsync()).Values, d => Assert.Equal((Verdict.NotIncluded, ""), d));
    }

    [Fact]
    public async Task PreviewPolicy_AgainstThePublished_TellsJoinsAndLeaves()
    {
        var (ada, bo, guest) = (
            People.Person(),
            People.Person(u => u.Department = "Finance"),
            People.Person(u => u.UserType = "Guest")
        );
        await client.RosterAsync(ada, bo, guest);
        await client.PublishAsync(TestClient.Staff);
        await client.DraftAsync(TestClient.Finance, TestClient.Guests);

        var preview = await client.Policies.PreviewPolicyAsync(new() { ClientId = client.ClientId });

        var audiences = preview.Audiences.ToDictionary(a => a.Key, a => (a.People, a.Joins, a.Leaves));
        Assert.Equal((1, 1, 0), audiences["finance"]);
        Assert.Equal((1, 1, 0), audiences["guests"]);
        Assert.Equal((0, 0, 2), audiences["staff"]);
        Assert.Equal((1L, 1L, 3), (preview.RosterVersion, preview.PublishedVersion, preview.ChangedPeople));
        Assert.Equal(
            [(Verdict.InScope, 1, 2), (Verdict.ExcludedByRule, 1, 0), (Verdict.NotIncluded, 1, 1)],
            preview.Verdicts.Select(v => (v.Verdict, v.People, v.PeopleBefore))
        );
        var joiner = Assert.Single(preview.Audiences.Single(a => a.Key == "finance").FirstJoins);
        Assert.Equal((bo.Id, bo.DisplayName, Verdict.InScope), (joiner.UserId, joiner.DisplayName, joiner.Verdict));
        Assert.Contains("finance", joiner.Reason, StringComparison.Ordinal);
        Assert.Equal(Verdict.InScope, (await client.DecisionAsync(ada)).Verdict);
    }

    [Fact]
    public async Task PreviewPolicy_UnsavedRules_NeedNoPolicy()
    {
        await client.RosterAsync([.. Enumerable.Range(0, 60).Select(_ => People.Person())]);

        var preview = await client.Policies.PreviewPolicyAsync(
            new() { ClientId = client.ClientId, Audiences = { TestClient.Staff } }
        );

        var staff = Assert.Single(preview.Audiences);
        Assert.Equal((60, 60, 50, 0L), (staff.People, staff.Joins, staff.FirstJoins.Count, preview.PublishedVersion));
        Assert.Empty(await client.RowsAsync());
    }

    [Fact]
    public async Task PreviewPolicy_GroupsTheRosterHasNot_AreNamed()
    {
        await client.RosterAsync([People.Person()], [People.Group("Finance")]);
        var rule = "user.memberOf -any (group.displayName -in [\"finance\", \"Fynance\"])";

        var preview = await client.Policies.PreviewPolicyAsync(
            new() { ClientId = client.ClientId, Audiences = { TestClient.Include("finance", rule) } }
        );

        Assert.Equal(["Fynance"], preview.Audiences.Single().MissingGroups);
    }

    [Fact]
    public async Task PreviewPolicy_RuleThatRunsAway_IsRefused()
    {
        await client.RosterAsync(People.Person(u => u.JobTitle = new string('a', 40) + "!"));
        var rule = "user.jobTitle -match \"^(?!x)(([a-z])+.)+[0-9]([a-z])+$\"";

        var refusal = await TestClient.RefusalAsync(() =>
            client
                .Policies.PreviewPolicyAsync(
                    new() { ClientId = client.ClientId, Audiences = { TestClient.Include("slow", rule) } }
                )
                .ResponseAsync
        );

        Assert.Equal("RULE_TIMEOUT", refusal);
    }

    [Fact]
    public async Task PublishPolicy_RuleThatRunsAway_LeavesWhatWasDecided()
    {
        var (ada, bo) = (People.Person(), People.Person(u => u.JobTitle = new string('a', 40) + "!"));
        await client.RosterAsync(ada, bo);
        await client.PublishAsync(TestClient.Staff);

        await client.PublishAsync(
            TestClient.Include("slow", "user.jobTitle -match \"^(?!x)(([a-z])+.)+[0-9]([a-z])+$\"")
        );

        Assert.Equal(Verdict.NotIncluded, (await client.DecisionAsync(ada)).Verdict);
        Assert.Equal(Verdict.InScope, (await client.DecisionAsync(bo)).Verdict);
    }

    [Fact]
    public async Task ListTemplates_Always_HasTheSeven()
    {
        var answer = await client.Policies.ListTemplatesAsync(new());

        Assert.Contains(answer.Templates, t => t.Key == "seven-audiences" && t.Audiences.Count == 7);
    }

    private Task<UpdatePolicyResponse> UpdateAsync(string etag, string path) =>
        client
            .Policies.UpdatePolicyAsync(
                new()
                {
                    ClientId = client.ClientId,
                    Policy = new() { Etag = etag, Audiences = { TestClient.Staff } },
                    UpdateMask = new() { Paths = { path } },
                }
            )
            .ResponseAsync;

    private Task<string> PublishRefusalAsync(string etag) =>
        TestClient.RefusalAsync(() =>
            client.Policies.PublishPolicyAsync(new() { ClientId = client.ClientId, Etag = etag }).ResponseAsync
        );

    private static async Task<string> OutcomeAsync(Func<Task> call)
    {
        try
        {
            await call();
            return "ok";
        }
        catch (Grpc.Core.RpcException)
        {
            return await TestClient.RefusalAsync(call);
        }
    }
}
