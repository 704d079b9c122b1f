using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Sync;
using Rollcall.DirectorySync.Tests.Model;
using Rollcall.GraphEmulator.Faults;

namespace Rollcall.DirectorySync.Tests;

public sealed class FenceTests(DirectoryFixture service)
{
    [Fact]
    public async Task Spill_OlderFence_LeavesNoPages()
    {
        using var world = new World(service.Graph, new(1, Users: 12, Groups: 1, new() { PageSize = 2 }, []));
        var client = new StoryClient(service, world.Tenant.Id);
        await client.CreateAsync();
        var stale = await client.ClaimAsync();
        await client.ClaimAsync();

        await Assert.ThrowsAsync<LeaseLostException>(() =>
            service.Services.GetRequiredService<SyncRunner>().RunAsync(stale, default)
        );

        Assert.Equal(0, await PagesAsync(client));
        await client.SettleAsync();
    }

    [Fact]
    public async Task Resync_WithPagesOfTheDeadRound_BeginsAfresh()
    {
        using var world = new World(service.Graph, new(1, Users: 12, Groups: 1, new() { PageSize = 2 }, []));
        var client = new StoryClient(service, world.Tenant.Id);
        await client.CreateAsync();

        // A later page is garbage, so the earlier ones are kept; then every link of the round is dead.
        world.Apply(new(TurnKind.Fault, 0, 6, 4));
        await client.SyncAsync();
        Assert.NotEqual(0, await PagesAsync(client));
        world.Apply(new(TurnKind.Reset, 0, 0, 0));

        await client.SettleAsync();

        Assert.Equal(0, await PagesAsync(client));
    }

    [Fact]
    public async Task FullRound_FirstPageCannotBeRead_GroupsAreNotReadInVain()
    {
        using var world = new World(service.Graph, new(1, Users: 12, Groups: 1, new() { PageSize = 4 }, []));
        var client = new StoryClient(service, world.Tenant.Id);
        await client.CreateAsync();
        var groups = 0;
        world.Tenant.Called += stream => groups += stream == "groups" ? 1 : 0;
        service
            .Graph.Services.GetRequiredService<FaultSchedule>()
            .Add([
                new()
                {
                    Tenant = world.Tenant.Id,
                    Kind = FaultKind.Status,
                    Status = 503,
                    Path = "/v1.0/users/delta*",
                },
            ]);

        var state = await client.SyncAsync();

        Assert.Equal((1, false, 0), (state.Failures, state.HasCursor, groups));
        world.Mend();
        await client.SettleAsync();
        Assert.NotEqual(0, groups);
    }

    /// <summary>All pages were read; what had changed meanwhile could not be.</summary>
    [Fact]
    public async Task FullRound_ItsEndCannotBeRead_GoesOnThere()
    {
        using var world = new World(service.Graph, new(1, Users: 12, Groups: 1, new() { PageSize = 4 }, []));
        var client = new StoryClient(service, world.Tenant.Id);
        await client.CreateAsync();
        var answers = 0;
        world.Tenant.Called += stream => answers += stream == "users" ? 1 : 0;
        service
            .Graph.Services.GetRequiredService<FaultSchedule>()
            .Add([
                new()
                {
                    Tenant = world.Tenant.Id,
                    Kind = FaultKind.Status,
                    Status = 503,
                    Path = "/v1.0/users/delta*",
                    Nth = [.. Enumerable.Range(4, 30)],
                },
            ]);
        await client.SyncAsync();
        Assert.NotEqual(0, await PagesAsync(client));
        world.Mend();
        answers = 0;

        var state = await client.SyncAsync();

        Assert.Equal((0, true, 1), (state.Failures, state.HasCursor, answers));
        await client.SettleAsync();
        Assert.Equal(0, await PagesAsync(client));
    }

    [Fact]
    public async Task FullRead_StopsEarly_LosesNobody()
    {
        using var world = new World(service.Graph, new(1, Users: 12, Groups: 1, new() { PageSize = 1 }, []));
        var client = new StoryClient(service, world.Tenant.Id);
        await client.CreateAsync();
        var before = await client.SyncAsync();
        world.Apply(new(TurnKind.Reset, 0, 0, 0));
        Assert.False((await client.SyncAsync()).HasCursor);
        world.Apply(new(TurnKind.Fault, 0, 2, 1));

        var after = await client.SyncAsync();

        Assert.Equal((2, before.RosterVersion, 0), (after.Failures, after.RosterVersion, after.Staged));
    }

    /// <summary>Whoever takes the client over goes on with the pages; afterwards nothing of anybody's data is left.</summary>
    [Fact]
    public async Task Pages_AfterTakeoverAndCommit_AreGone()
    {
        using var world = new World(service.Graph, new(1, Users: 12, Groups: 1, new() { PageSize = 2 }, []));
        var client = await WithPagesAsync(world);
        await client.ClaimAsync();
        world.Mend();

        await client.SettleAsync();

        Assert.Equal(0, await PagesAsync(client));
        Assert.True((await client.StateAsync()).RosterVersion > 0);
    }

    [Fact]
    public async Task Pages_ConsentGone_DoNotWaitForItsReturn()
    {
        using var world = new World(service.Graph, new(1, Users: 12, Groups: 1, new() { PageSize = 2 }, []));
        var client = await WithPagesAsync(world);
        lock (world.Tenant.Gate)
        {
            world.Tenant.ServicePrincipals.Clear();
            world.Tenant.TokensValidFrom = TimeProvider.System.GetUtcNow();
        }

        await client.SyncAsync();

        Assert.Equal(0, await PagesAsync(client));
    }

    [Fact]
    public async Task Pages_Disconnected_AreGone()
    {
        var client = await service.ConnectedAsync();
        await client.DbAsync(async db =>
        {
            db.StagedPages.Add(
                new()
                {
                    MspId = client.MspId,
                    ClientId = Guid.Parse(client.Id),
                    Stream = 0,
                    Page = 0,
                    Origin = "of a round under way",
                    Body = [],
                }
            );
            return await db.SaveChangesAsync();
        });

        await client.Connections.DisconnectAsync(new() { ClientId = client.Id });

        Assert.Equal(0, await client.DbAsync(db => db.StagedPages.CountAsync()));
    }

    /// <summary>A first round that broke off after some pages: a later one is garbage.</summary>
    private async Task<StoryClient> WithPagesAsync(World world)
    {
        var client = new StoryClient(service, world.Tenant.Id);
        await client.CreateAsync();
        world.Apply(new(TurnKind.Fault, 0, 6, 4));
        await client.SyncAsync();
        Assert.NotEqual(0, await PagesAsync(client));
        return client;
    }

    private static Task<int> PagesAsync(StoryClient client) =>
        client.InTenantAsync(async scope =>
        {
            var db = scope.GetRequiredService<DirectoryDbContext>();
            await using var transaction = await db.BeginAsync(default);
            return await db.StagedPages.CountAsync(p => p.ClientId == client.ClientId);
        });
}
