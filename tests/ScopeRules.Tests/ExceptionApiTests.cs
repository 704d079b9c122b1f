using Rollcall.Api.Directory.V1;
using Rollcall.Api.Scope.V1;

namespace Rollcall.ScopeRules.Tests;

public sealed class ExceptionApiTests(ScopeFixture fixture)
{
    private readonly TestClient client = fixture.NewClient();

    [Fact]
    public async Task CreateException_OneUser_DecidesAgainAndEndsWithIt()
    {
        var (ada, bo) = (People.Person(), People.Person());
        await client.RosterAsync(ada, bo);
        await client.PublishAsync(TestClient.Staff);

        var made = await CreateAsync(r => r.UserId = ada.Id);

        var decision = await client.DecisionAsync(ada);
        Assert.Equal((Verdict.ExcludedByException, made.Id), (decision.Verdict, decision.ReasonCode));
        Assert.Equal("Excluded by exception: On parental leave.", decision.Reason);
        Assert.Equal(Verdict.InScope, (await client.DecisionAsync(bo)).Verdict);

        var ended = await client.Exceptions.EndExceptionAsync(
            new() { ClientId = client.ClientId, ExceptionId = made.Id }
        );
        await client.SettledAsync();
        Assert.NotNull(ended.Exception.EndTime);
        Assert.Equal(Verdict.InScope, (await client.DecisionAsync(ada)).Verdict);
    }

    [Fact]
    public async Task CreateException_Group_IsASnapshotOfItsPeople()
    {
        var group = People.Group("Night shift");
        var (ada, bo) = (People.Person(u => u.GroupIds.Add(group.Id)), People.Person());
        await client.RosterAsync([ada, bo], [group]);
        await client.PublishAsync(TestClient.Staff);

        var made = await CreateAsync(r => r.GroupId = group.Id);
        var joined = new User(bo) { Revision = 2 };
        joined.GroupIds.Add(group.Id);
        await client.RosterAsync(joined);

        Assert.Equal((1, group.Id), (made.People, made.GroupId));
        Assert.Equal([ada.Id], made.UserIds);
        Assert.Equal(Verdict.ExcludedByException, (await client.DecisionAsync(ada)).Verdict);
        Assert.Equal(Verdict.InScope, (await client.DecisionAsync(bo)).Verdict);
    }

    [Fact]
    public async Task CreateException_Include_PutsIntoTheNamedAudience()
    {
        var ada = People.Person(u => u.UserType = "");
        await client.RosterAsync(ada);
        await client.PublishAsync(TestClient.Staff, TestClient.Finance);

        await CreateAsync(r =>
        {
            r.UserId = ada.Id;
            r.Kind = ExceptionKind.Include;
            r.Audiences.Add("finance");
        });

        var decision = await client.DecisionAsync(ada);
        Assert.Equal((Verdict.InScope, "finance"), (decision.Verdict, Assert.Single(decision.Audiences)));
    }

    [Fact]
    public async Task CreateException_PersonLeavesAndReturns_GoesToReview()
    {
        var ada = People.Person();
        await client.RosterAsync(ada);
        await client.PublishAsync(TestClient.Staff);
        var made = await CreateAsync(r => r.UserId = ada.Id);

        await client.RosterAsync(new User(ada) { Revision = 2, State = UserState.Removed });
        await client.RosterAsync(new User(ada) { Revision = 3 });

        Assert.Equal(Verdict.InScope, (await client.DecisionAsync(ada)).Verdict);
        var listed = await client.Exceptions.ListExceptionsAsync(new() { ClientId = client.ClientId });
        Assert.Equal((made.Id, 1), (listed.Exceptions.Single().Id, listed.Exceptions.Single().LapsedPeople));
    }

    [Fact]
    public async Task CreateException_BeforeAnyPolicy_CountsOnceThereIsOne()
    {
        var ada = People.Person();
        await client.RosterAsync(ada);
        await CreateAsync(r => r.UserId = ada.Id);

        await client.PublishAsync(TestClient.Staff);

        Assert.Equal(Verdict.ExcludedByException, (await client.DecisionAsync(ada)).Verdict);
    }

    [Fact]
    public async Task CreateException_SameRequestId_ReturnsTheFirst()
    {
        var ada = People.Person();
        await client.RosterAsync(ada);
        var id = Guid.CreateVersion7().ToString();

        var first = await CreateAsync(r => (r.UserId, r.RequestId) = (ada.Id, id));
        var second = await CreateAsync(r => (r.UserId, r.RequestId) = (ada.Id, id));

        Assert.Equal(first, second);
    }

    public static TheoryData<string, Action<CreateExceptionRequest>, string> Mistakes { get; } =
        new()
        {
            { "nobody", r => r.ClearSubject(), "FIELD_INVALID" },
            { "unknown user", r => r.UserId = Guid.CreateVersion7().ToString(), "USER_NOT_FOUND" },
            { "unknown group", r => r.GroupId = Guid.CreateVersion7().ToString(), "GROUP_NOT_FOUND" },
            { "no reason", r => r.Reason = " ", "FIELD_INVALID" },
            { "nobody asked", r => r.RequestedBy = "", "FIELD_INVALID" },
            { "nobody approved", r => r.ApprovedBy = "", "FIELD_INVALID" },
            { "no kind", r => r.Kind = ExceptionKind.Unspecified, "FIELD_INVALID" },
            { "over already", r => r.ExpireTime = People.Day(2020, 1, 1), "FIELD_INVALID" },
            { "excluded from an audience", r => r.Audiences.Add("staff"), "FIELD_INVALID" },
        };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public async Task CreateException_Mistake_IsRefusedByReason(
        string because,
        Action<CreateExceptionRequest> change,
        string reason
    )
    {
        var ada = People.Person();
        await client.RosterAsync(ada);

        var refusal = await TestClient.RefusalAsync(() =>
            CreateAsync(r =>
            {
                r.UserId = ada.Id;
                change(r);
            })
        );

        Assert.Equal((because, reason), (because, refusal));
    }

    [Fact]
    public async Task ListExceptions_Filters_ShowWhatIsInForceForTheUser()
    {
        var (ada, bo) = (People.Person(), People.Person());
        await client.RosterAsync(ada, bo);
        var first = await CreateAsync(r => r.UserId = ada.Id);
        var second = await CreateAsync(r => r.UserId = ada.Id);
        await CreateAsync(r => r.UserId = bo.Id);
        await client.Exceptions.EndExceptionAsync(new() { ClientId = client.ClientId, ExceptionId = first.Id });

        var active = await client.Exceptions.ListExceptionsAsync(
            new()
            {
                ClientId = client.ClientId,
                UserId = ada.Id,
                ActiveOnly = true,
            }
        );

        Assert.Equal([second.Id], active.Exceptions.Select(e => e.Id));
    }

    [Fact]
    public async Task EndException_OfAnotherClient_IsNotFound()
    {
        var ada = People.Person();
        await client.RosterAsync(ada);
        var made = await CreateAsync(r => r.UserId = ada.Id);
        var sister = fixture.NewClient(client.MspId);

        var refusal = await TestClient.RefusalAsync(() =>
            sister
                .Exceptions.EndExceptionAsync(new() { ClientId = sister.ClientId, ExceptionId = made.Id })
                .ResponseAsync
        );

        Assert.Equal("EXCEPTION_NOT_FOUND", refusal);
    }

    private async Task<ScopeException> CreateAsync(Action<CreateExceptionRequest> change)
    {
        var request = new CreateExceptionRequest
        {
            ClientId = client.ClientId,
            Kind = ExceptionKind.Exclude,
            Reason = "On parental leave",
            RequestedBy = "Head of sales",
            ApprovedBy = "IT manager",
        };
        change(request);
        var answer = await client.Exceptions.CreateExceptionAsync(request);
        await client.SettledAsync();
        return answer.Exception;
    }
}
