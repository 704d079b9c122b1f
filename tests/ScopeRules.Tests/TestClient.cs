using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Scope.V1;
using Rollcall.Platform;
using Rollcall.ScopeRules.Data;
using Rollcall.ScopeRules.Decisions;
using Rollcall.Testing;

namespace Rollcall.ScopeRules.Tests;

/// <summary>One client in the tests: its callers, its roster, what was decided.</summary>
public sealed class TestClient(ScopeFixture fixture, ClientInfo client)
{
    private long version;

    public Guid MspId => client.MspId;
    public Guid Id => client.ClientId;
    public string ClientId => client.ClientId.ToString();
    public Tenant Tenant => Tenant.Client(client.MspId, client.ClientId);
    public string Admin => TestTokens.MspAdmin(client.MspId);
    public DateTimeOffset Now => fixture.Clock.GetUtcNow();

    public PolicyService.PolicyServiceClient Policies => fixture.Client<PolicyService.PolicyServiceClient>(Admin);
    public ScopeService.ScopeServiceClient Scope => fixture.Client<ScopeService.ScopeServiceClient>(Admin);
    public ExceptionService.ExceptionServiceClient Exceptions =>
        fixture.Client<ExceptionService.ExceptionServiceClient>(Admin);

    public static Audience Staff => Include("staff", "user.userType -eq \"Member\"");
    public static Audience Finance => Include("finance", "user.department -eq \"Finance\"");
    public static Audience Guests =>
        new()
        {
            Key = "guests",
            DisplayName = "Guests",
            Kind = AudienceKind.Exclude,
            Rule = "user.userType -eq \"Guest\"",
        };

    public static Audience Include(string key, string rule) =>
        new()
        {
            Key = key,
            DisplayName = key,
            Kind = AudienceKind.Include,
            Rule = rule,
        };

    /// <summary>Creates, or revises, and publishes a policy, and waits until everyone is decided on.</summary>
    public async Task<Policy> PublishAsync(params Audience[] audiences)
    {
        var draft = await DraftAsync(audiences);
        var published = await Policies.PublishPolicyAsync(new() { ClientId = ClientId, Etag = draft.Etag });
        await SettledAsync();
        return published.Policy;
    }

    public async Task<Policy> DraftAsync(params Audience[] audiences)
    {
        try
        {
            var newest = (await Policies.GetPolicyAsync(new() { ClientId = ClientId })).Policy;
            var update = new UpdatePolicyRequest
            {
                ClientId = ClientId,
                Policy = new() { Etag = newest.Etag, Audiences = { audiences } },
                UpdateMask = new() { Paths = { "audiences" } },
            };
            return (await Policies.UpdatePolicyAsync(update)).Policy;
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.NotFound)
        {
            var created = await Policies.CreatePolicyAsync(new() { ClientId = ClientId, Audiences = { audiences } });
            return created.Policy;
        }
    }

    /// <summary>The next roster version, in parts of the size.</summary>
    public List<RosterChanged> Version(IReadOnlyList<User> users, IReadOnlyList<Group>? groups = null, int size = 500)
    {
        version++;
        var chunks = users.Chunk(size).ToList();
        if (chunks.Count == 0)
        {
            chunks.Add([]);
        }

        return
        [
            .. chunks.Select(
                (chunk, i) =>
                    new RosterChanged
                    {
                        MspId = MspId.ToString(),
                        ClientId = ClientId,
                        OccurTime = Now.ToTimestamp(),
                        RosterVersion = version,
                        Part = i + 1,
                        Parts = chunks.Count,
                        Users = { chunk },
                        // Last, so that users come before the groups they are in.
                        Groups = { i == chunks.Count - 1 ? groups ?? [] : [] },
                    }
            ),
        ];
    }

    /// <summary>Delivers a version over the broker and waits until it is applied.</summary>
    public async Task RosterAsync(IReadOnlyList<User> users, IReadOnlyList<Group>? groups = null)
    {
        foreach (var part in Version(users, groups))
        {
            await fixture.PublishAsync(part);
        }

        await AppliedAsync(version);
    }

    public Task RosterAsync(params User[] users) => RosterAsync((IReadOnlyList<User>)users);

    public Task AppliedAsync(long version) =>
        Eventually.HoldsAsync(async () =>
            Assert.Equal(
                version,
                await fixture.DbAsync(Tenant, db => db.RosterVersionAsync(Id, CancellationToken.None))
            )
        );

    /// <summary>Waits until the worker has nothing left to do here.</summary>
    public Task SettledAsync() =>
        Eventually.HoldsAsync(async () =>
        {
            var scope = await fixture.DbAsync(Tenant, db => db.Clients.SingleAsync(c => c.ClientId == Id));
            Assert.True(scope.SweepAfter is null && (scope.NextEvaluationAt is null || scope.NextEvaluationAt > Now));
        });

    /// <summary>Runs the evaluation of what is due, as the worker would.</summary>
    public async Task RunDueAsync()
    {
        await using var scope = fixture.Services.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<TenantContext>().Enter(Tenant);
        await scope.ServiceProvider.GetRequiredService<Evaluations>().RunDueAsync(Id, CancellationToken.None);
    }

    public async Task<Decision> DecisionAsync(User user) =>
        (await Scope.GetDecisionAsync(new() { ClientId = ClientId, UserId = user.Id })).Decision;

    /// <summary>Everyone's current decision, the parts that matter, by user id.</summary>
    public async Task<Dictionary<string, (Verdict, string)>> DecisionsAsync()
    {
        var rows = await RowsAsync();
        return rows.Where(d => d.ValidTo == null)
            .ToDictionary(d => d.UserId.ToString(), d => (d.Verdict, string.Join(',', d.Audiences)));
    }

    public Task<List<DecisionRow>> RowsAsync() =>
        fixture.DbAsync(
            Tenant,
            db => db.Decisions.AsNoTracking().Where(d => d.ClientId == Id).OrderBy(d => d.Revision).ToListAsync()
        );

    /// <summary>Decisions as published, newest revision of each user.</summary>
    public List<Decision> Published() =>
        [.. fixture.Events.Of<ScopeChanged>(Id).SelectMany(e => e.Decisions).OrderBy(d => d.Revision)];

    public static async Task<string> RefusalAsync(Func<Task> call)
    {
        var error = await Assert.ThrowsAnyAsync<RpcException>(call);
        return error.GetRpcStatus()?.GetDetail<ErrorInfo>()?.Reason ?? $"none ({error.Status})";
    }
}
