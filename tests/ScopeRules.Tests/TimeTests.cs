using Google.Protobuf.WellKnownTypes;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Scope.V1;
using Rollcall.Testing;

namespace Rollcall.ScopeRules.Tests;

/// <summary>Time is an event: these tests move the clock of the whole assembly, always forward.</summary>
public sealed class TimeTests(ScopeFixture fixture)
{
    private readonly TestClient client = fixture.NewClient(timeZone: "Europe/Copenhagen");

    [Fact]
    public async Task HireDate_Comes_BringsThePersonIn()
    {
        var hire = Timestamp.FromDateTimeOffset(new(client.Now.Date.AddDays(3), TimeSpan.Zero));
        var ada = People.Person(u => u.HireTime = hire);
        await client.PublishAsync(TestClient.Staff);
        await client.RosterAsync(ada);
        Assert.Equal(Verdict.Held, (await client.DecisionAsync(ada)).Verdict);

        fixture.Clock.Advance(TimeSpan.FromDays(4));

        await VerdictAsync(ada, Verdict.InScope);

        // It holds from the first minute of that day in Copenhagen, whenever the worker got to it.
        var row = (await client.RowsAsync()).Single(r => r.ValidTo == null);
        Assert.Equal(hire.ToDateTimeOffset().AddHours(-1), row.ValidFrom);
        Assert.True(row.RecordedAt > row.ValidFrom);

        // What was known in that first minute stays what it was.
        var known = await client.Scope.GetDecisionAsync(
            new()
            {
                ClientId = client.ClientId,
                UserId = ada.Id,
                AsOfTime = row.ValidFrom.AddMinutes(1).ToTimestamp(),
            }
        );
        Assert.Equal(Verdict.Held, known.Decision.Verdict);
    }

    [Fact]
    public async Task DisabledForLong_CountsAsLeft()
    {
        var ada = People.Person(u =>
        {
            u.State = UserState.Disabled;
            u.StateTime = client.Now.AddDays(-28).ToTimestamp();
        });
        await client.PublishAsync(TestClient.Staff);
        await client.RosterAsync(ada);
        Assert.Equal(Verdict.Paused, (await client.DecisionAsync(ada)).Verdict);

        fixture.Clock.Advance(TimeSpan.FromDays(2));

        await VerdictAsync(ada, Verdict.Left);
    }

    [Fact]
    public async Task ExceptionExpires_RulesDecideAgain()
    {
        var ada = People.Person();
        await client.RosterAsync(ada);
        await client.PublishAsync(TestClient.Staff);
        await client.Exceptions.CreateExceptionAsync(
            new()
            {
                ClientId = client.ClientId,
                UserId = ada.Id,
                Kind = ExceptionKind.Exclude,
                Reason = "On parental leave",
                RequestedBy = "Head of sales",
                ApprovedBy = "IT manager",
                ExpireTime = client.Now.AddHours(30).ToTimestamp(),
            }
        );
        await VerdictAsync(ada, Verdict.ExcludedByException);

        fixture.Clock.Advance(TimeSpan.FromHours(31));

        await VerdictAsync(ada, Verdict.InScope);
    }

    [Fact]
    public async Task LeaverLimitOfTheClientChanges_EveryoneIsLookedAtAgain()
    {
        var ada = People.Person(u =>
        {
            u.State = UserState.Disabled;
            u.StateTime = client.Now.AddDays(-10).ToTimestamp();
        });
        await client.PublishAsync(TestClient.Staff);
        await client.RosterAsync(ada);
        Assert.Equal(Verdict.Paused, (await client.DecisionAsync(ada)).Verdict);

        fixture.Directory.Clients[client.ClientId].LeaverAfterDays = 7;
        await fixture.PublishAsync(
            new ClientChanged
            {
                MspId = client.MspId.ToString(),
                ClientId = client.ClientId,
                TimeZone = "Europe/Copenhagen",
            }
        );

        await VerdictAsync(ada, Verdict.Left);
    }

    [Fact]
    public async Task GetDecision_AsOf_AnswersWhatWasKnownThen()
    {
        var ada = People.Person();
        await client.PublishAsync(TestClient.Staff);
        await client.RosterAsync(ada);
        var first = await client.DecisionAsync(ada);
        var then = client.Now.AddMinutes(1).ToTimestamp();

        fixture.Clock.Advance(TimeSpan.FromMinutes(2));
        await client.RosterAsync(new User(ada) { Revision = 2, State = UserState.Removed });

        var asOf = await client.Scope.GetDecisionAsync(
            new()
            {
                ClientId = client.ClientId,
                UserId = ada.Id,
                AsOfTime = then,
            }
        );
        Assert.Equal(first, asOf.Decision);
        Assert.Equal(Verdict.Left, (await client.DecisionAsync(ada)).Verdict);
        var list = await client.Scope.ListDecisionsAsync(new() { ClientId = client.ClientId, AsOfTime = then });
        Assert.Equal([first], list.Decisions);
        var rows = await client.RowsAsync();
        Assert.Equal(rows[1].ValidFrom, rows[0].ValidTo);
        Assert.Equal(rows[1].RecordedAt, rows[0].SupersededAt);
    }

    private Task VerdictAsync(User user, Verdict verdict) =>
        Eventually.HoldsAsync(async () => Assert.Equal(verdict, (await client.DecisionAsync(user)).Verdict));
}
