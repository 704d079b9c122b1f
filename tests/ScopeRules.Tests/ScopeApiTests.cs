using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Scope.V1;
using Rollcall.Testing;

namespace Rollcall.ScopeRules.Tests;

public sealed class ScopeApiTests(ScopeFixture fixture)
{
    private readonly TestClient client = fixture.NewClient();

    [Fact]
    public async Task ListDecisions_FiltersAndPages_ReturnEveryoneOnce()
    {
        var people = Enumerable
            .Range(0, 7)
            .Select(i => People.Person(u => u.Department = i % 2 == 0 ? "Finance" : "Sales"))
            .ToList();
        await client.RosterAsync([.. people, People.Person(u => u.UserType = "Guest")]);
        await client.PublishAsync(TestClient.Staff, TestClient.Finance, TestClient.Guests);

        var inScope = await ListAsync(new() { Verdict = Verdict.InScope, PageSize = 3 });
        var finance = await ListAsync(new() { Audience = "finance", PageSize = 3 });

        Assert.Equal(people.Select(u => u.Id).Order(), inScope.Select(d => d.UserId));
        Assert.Equal(4, finance.Count);
    }

    [Fact]
    public async Task ListDecisions_TokenOfAnotherQuery_IsRefused()
    {
        await client.RosterAsync(People.Person(), People.Person());
        await client.PublishAsync(TestClient.Staff);
        var page = await client.Scope.ListDecisionsAsync(new() { ClientId = client.ClientId, PageSize = 1 });

        var refusal = await TestClient.RefusalAsync(() =>
            client
                .Scope.ListDecisionsAsync(
                    new()
                    {
                        ClientId = client.ClientId,
                        Audience = "staff",
                        PageToken = page.NextPageToken,
                    }
                )
                .ResponseAsync
        );

        Assert.Equal("FIELD_INVALID", refusal);
    }

    [Fact]
    public async Task GetDecision_NoneYet_IsNotFound()
    {
        var refusal = await TestClient.RefusalAsync(() => client.DecisionAsync(People.Person()));

        Assert.Equal("DECISION_NOT_FOUND", refusal);
    }

    [Fact]
    public async Task ExplainUser_Person_TellsEachStepInWords()
    {
        var ada = People.Person(u => u.Department = "Finance");
        await client.RosterAsync(ada);
        await client.PublishAsync(TestClient.Staff, TestClient.Finance, TestClient.Guests);

        var answer = await client.Scope.ExplainUserAsync(new() { ClientId = client.ClientId, UserId = ada.Id });

        Assert.Equal(
            [
                "left",
                "escrowed",
                "account_kind",
                "exclude_exception",
                "exclude_rule",
                "include_exception",
                "unconfirmed_kind",
                "include_rule",
            ],
            answer.Steps.Select(s => s.Step)
        );
        Assert.Equal("In scope through the rules of staff and finance.", answer.Steps.Single(s => s.Decided).Finding);
        Assert.Equal(
            [
                ("staff", true, "userType is \"Member\""),
                ("finance", true, "department is \"Finance\""),
                ("guests", false, "userType \"Member\" is not \"Guest\""),
            ],
            answer.Audiences.Select(a => (a.Key, a.Matched, a.Finding))
        );
        Assert.Equal(await client.DecisionAsync(ada), answer.Decision);
    }

    [Fact]
    public async Task ExplainUser_NothingToExplain_IsRefusedByReason()
    {
        var ada = People.Person();
        await client.RosterAsync(ada);

        Assert.Equal("POLICY_NOT_PUBLISHED", await ExplainRefusalAsync(ada.Id));
        Assert.Equal("USER_NOT_FOUND", await ExplainRefusalAsync(Guid.CreateVersion7().ToString()));
    }

    [Fact]
    public async Task Decisions_OfAnotherMsp_AreOutOfReach()
    {
        var ada = People.Person();
        await client.RosterAsync(ada);
        await client.PublishAsync(TestClient.Staff);
        var other = fixture.NewClient();

        Assert.Equal(
            "CLIENT_NOT_FOUND",
            await TestClient.RefusalAsync(() =>
                other.Scope.ListDecisionsAsync(new() { ClientId = client.ClientId }).ResponseAsync
            )
        );
        Assert.Equal("DECISION_NOT_FOUND", await TestClient.RefusalAsync(() => other.DecisionAsync(ada)));
        Assert.Equal(
            "CLIENT_NOT_FOUND",
            await TestClient.RefusalAsync(() =>
                other.Policies.GetPolicyAsync(new() { ClientId = client.ClientId }).ResponseAsync
            )
        );
    }

    [Fact]
    public async Task Decisions_OfAnotherClientOfTheMsp_AreHiddenByTheDatabaseToo()
    {
        await client.RosterAsync(People.Person());
        await client.PublishAsync(TestClient.Staff);
        var sister = fixture.NewClient(client.MspId);

        var seen = await fixture.DbAsync(sister.Tenant, db => db.Decisions.CountAsync());

        Assert.Equal(0, seen);
    }

    [Fact]
    public async Task Rpcs_Roles_AsTheContractSays()
    {
        await client.RosterAsync(People.Person());
        var draft = await client.DraftAsync(TestClient.Staff);
        var viewer = TestTokens.Viewer(client.MspId, client.Id);

        var read = await fixture
            .Client<ScopeService.ScopeServiceClient>(viewer)
            .ListDecisionsAsync(new() { ClientId = client.ClientId });
        var refusal = await TestClient.RefusalAsync(() =>
            fixture
                .Client<PolicyService.PolicyServiceClient>(viewer)
                .PublishPolicyAsync(new() { ClientId = client.ClientId, Etag = draft.Etag })
                .ResponseAsync
        );
        var service = await fixture
            .Client<ScopeService.ScopeServiceClient>(TestTokens.Service("reporting"), client.MspId)
            .ListDecisionsAsync(new() { ClientId = client.ClientId });

        Assert.Equal("ROLE_NOT_ALLOWED", refusal);
        Assert.Equal(read, service);
    }

    private async Task<List<Decision>> ListAsync(ListDecisionsRequest request)
    {
        request.ClientId = client.ClientId;
        var all = new List<Decision>();
        do
        {
            var page = await client.Scope.ListDecisionsAsync(request);
            all.AddRange(page.Decisions);
            request.PageToken = page.NextPageToken;
        } while (request.PageToken.Length > 0);

        return all;
    }

    private Task<string> ExplainRefusalAsync(string userId) =>
        TestClient.RefusalAsync(() =>
            client.Scope.ExplainUserAsync(new() { ClientId = client.ClientId, UserId = userId }).ResponseAsync
        );
}
