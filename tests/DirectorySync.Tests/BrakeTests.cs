using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Rollcall.Api.Directory.V1;
using Rollcall.Testing;

namespace Rollcall.DirectorySync.Tests;

public sealed class BrakeTests(DirectoryFixture service)
{
    [Fact]
    public async Task Sync_MassRemoval_KeepsEverybodyUntilApproved()
    {
        var (client, people) = await ClientAsync(12);
        await RemoveAsync(client, people[..7]);
        var run = await client.SyncedAsync();
        Assert.Equal((0, 7), (run.Removed, run.Staged));
        Assert.All(await client.UsersAsync(), u => Assert.Equal(UserState.Active, u.State));
        Assert.Equal(HealthState.Degraded, (await client.HealthAsync()).State);
        var staged = await client.Syncs.ListStagedRemovalsAsync(new() { ClientId = client.Id });

        var approved = await client.Syncs.ApproveStagedRemovalsAsync(
            new() { ClientId = client.Id, UserIds = { staged.Removals.Select(r => r.UserId) } }
        );

        Assert.Equal(7, approved.Removed);
        Assert.Equal(7, (await client.UsersAsync()).Count(u => u.State == UserState.Removed));
        Assert.Equal(HealthState.Healthy, (await client.HealthAsync()).State);
    }

    [Fact]
    public async Task Approve_WhileConsentIsGone_HealthGoesOnSayingSo()
    {
        var (client, people) = await ClientAsync(12);
        await RemoveAsync(client, people[..7]);
        await client.SyncedAsync();
        await client.GraphAsync(HttpMethod.Delete, "service-principal");
        await client.GraphAsync(HttpMethod.Post, "tokens/expire");
        await client.SyncAsync();
        var staged = await client.Syncs.ListStagedRemovalsAsync(new() { ClientId = client.Id });

        await client.Syncs.ApproveStagedRemovalsAsync(
            new() { ClientId = client.Id, UserIds = { staged.Removals.Select(r => r.UserId) } }
        );

        Assert.Equal(HealthState.ConsentRemoved, (await client.HealthAsync()).State);
    }

    [Fact]
    public async Task Reject_ThenFullSync_DoesNotStageAgain()
    {
        var (client, people) = await ClientAsync(12);
        await RemoveAsync(client, people[..7]);
        await client.SyncedAsync();
        var staged = await client.Syncs.ListStagedRemovalsAsync(new() { ClientId = client.Id });
        await client.Syncs.RejectStagedRemovalsAsync(
            new()
            {
                ClientId = client.Id,
                UserIds = { staged.Removals.Select(r => r.UserId) },
                KeepUntilTime = service.Clock.GetUtcNow().AddDays(30).ToTimestamp(),
            }
        );

        var run = await client.SyncedAsync(SyncMode.Full);

        Assert.Equal((0, 0), (run.Removed, run.Staged));
        Assert.All(
            await client.UsersAsync(),
            u => Assert.Equal((UserState.Active, false), (u.State, u.StagedForRemoval))
        );
    }

    [Fact]
    public async Task Sync_StagedPersonReappears_CancelsTheRemoval()
    {
        var (client, people) = await ClientAsync(12);
        await RemoveAsync(client, people[..7]);
        await client.SyncedAsync();
        await client.GraphAsync(HttpMethod.Post, $"users/{people[0]}/restore");

        await client.SyncedAsync();

        var staged = await client.Syncs.ListStagedRemovalsAsync(new() { ClientId = client.Id });
        Assert.Equal(6, staged.Removals.Count);
        Assert.False((await client.UserAsync(people[0])).StagedForRemoval);
    }

    [Fact]
    public async Task Sync_FewLeavers_LeaveAtOnce()
    {
        var (client, people) = await ClientAsync(12);
        await RemoveAsync(client, people[..3]);

        var run = await client.SyncedAsync();

        Assert.Equal((3, 0), (run.Removed, run.Staged));
    }

    [Fact]
    public async Task FullSync_EmptyDirectory_RemovesNobody()
    {
        var (client, people) = await ClientAsync(3);
        await RemoveAsync(client, people);

        var run = await client.SyncedAsync(SyncMode.Full);

        Assert.Equal((0, 3), (run.Removed, run.Staged));
    }

    [Fact]
    public async Task Approve_SomebodyNotStaged_AppliesNothing()
    {
        var (client, people) = await ClientAsync(12);
        await RemoveAsync(client, people[..7]);
        await client.SyncedAsync();
        var staged = await client.Syncs.ListStagedRemovalsAsync(new() { ClientId = client.Id });

        var error = await Assert.ThrowsAsync<RpcException>(async () =>
            await client.Syncs.ApproveStagedRemovalsAsync(
                new()
                {
                    ClientId = client.Id,
                    UserIds = { staged.Removals[0].UserId, Guid.CreateVersion7().ToString() },
                }
            )
        );

        Assert.Equal("REMOVAL_NOT_STAGED", TestClient.ReasonOf(error));
        Assert.All(await client.UsersAsync(), u => Assert.Equal(UserState.Active, u.State));
    }

    [Fact]
    public async Task Decide_ApproveSomeRejectOthers_TheTrailSaysWhoWhatAndWhom()
    {
        var (client, people) = await ClientAsync(12);
        await RemoveAsync(client, people[..7]);
        await client.SyncedAsync();
        var staged = await client.Syncs.ListStagedRemovalsAsync(new() { ClientId = client.Id });
        var (approved, rejected) = (staged.Removals[0].UserId, staged.Removals[1].UserId);
        var until = service.Clock.GetUtcNow().AddDays(30);

        await client.Syncs.ApproveStagedRemovalsAsync(new() { ClientId = client.Id, UserIds = { approved } });
        await client.Syncs.RejectStagedRemovalsAsync(
            new()
            {
                ClientId = client.Id,
                UserIds = { rejected },
                KeepUntilTime = until.ToTimestamp(),
            }
        );

        var left = await DecisionAsync(client, approved);
        Assert.Equal((SyncAction.Removed, "approved"), (left.Action, left.Changes[0].NewValue));
        var kept = await DecisionAsync(client, rejected);
        Assert.Equal((SyncAction.Kept, "REMOVAL_REJECTED"), (kept.Action, kept.ReasonCode));
        Assert.Equal(
            ("removal", "staged", $"kept until {until:yyyy-MM-ddTHH:mm:ssZ}"),
            (kept.Changes[0].Property, kept.Changes[0].OldValue, kept.Changes[0].NewValue)
        );
        Assert.NotEqual(left.SyncRunId, kept.SyncRunId);
    }

    /// <summary>The newest event of the person; it must name a run and whoever decided.</summary>
    private static async Task<SyncEvent> DecisionAsync(TestClient client, string userId)
    {
        var events = await client.Syncs.ListSyncEventsAsync(new() { ClientId = client.Id, UserId = userId });
        var decision = events.Events[0];
        Assert.Equal(SyncStatus.Done, decision.Status);
        Assert.Equal("removalDecidedBy", decision.Changes[1].Property);
        Assert.Equal(TestTokens.Subject, decision.Changes[1].NewValue);
        var run = await client.Syncs.GetSyncRunAsync(new() { ClientId = client.Id, SyncRunId = decision.SyncRunId });
        Assert.Equal(SyncRunState.Succeeded, run.Run.State);
        return decision;
    }

    private async Task<(TestClient Client, List<Guid> People)> ClientAsync(int count)
    {
        var client = await service.ConnectedAsync();
        var people = await client.AddPeopleAsync(count);
        await client.SyncedAsync();
        return (client, people);
    }

    private static async Task RemoveAsync(TestClient client, List<Guid> people)
    {
        foreach (var person in people)
        {
            await client.GraphAsync(HttpMethod.Delete, $"users/{person}");
        }
    }
}
