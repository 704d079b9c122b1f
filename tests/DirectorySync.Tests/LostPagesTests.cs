using Rollcall.DirectorySync.Tests.Model;

namespace Rollcall.DirectorySync.Tests;

/// <summary>
/// The beginning of a round that was put into the database is gone: a crash of Postgres empties the table, and a round
/// under way goes on putting later pages there. Whoever was on the lost pages is not gone.
/// </summary>
public sealed class LostPagesTests(DirectoryFixture service)
{
    private const string LoseFirst = "delete from staged_page where client_id = $1 and stream = 0 and page = 0";

    [Fact]
    public async Task FirstPageLost_BeforeTheRoundGoesOn_ItBeginsAfresh()
    {
        using var world = new World(service.Graph, new(1, Users: 30, Groups: 2, new() { PageSize = 1 }, []));
        var client = await InterruptedAsync(world);
        var before = await client.StateAsync();
        await client.ExecuteAsync(LoseFirst);

        var state = await client.SyncAsync();

        Assert.Equal((0, true, 0), (state.Failures, state.HasCursor, state.Staged));
        await NothingChangedAsync(world, client, before);
    }

    [Fact]
    public async Task FirstPageLost_WhileTheRoundGoesOn_NothingOfItIsApplied()
    {
        using var world = new World(service.Graph, new(1, Users: 30, Groups: 2, new() { PageSize = 1 }, []));
        var client = await InterruptedAsync(world);
        var before = await client.StateAsync();
        var called = world.Tenant.Called;
        var lost = false;
        world.Tenant.Called = stream =>
        {
            called?.Invoke(stream);
            if (stream == "users" && !lost)
            {
                lost = true;
                using var command = service.Owner.CreateCommand(LoseFirst);
                command.Parameters.Add(new() { Value = client.ClientId });
                command.ExecuteNonQuery();
            }
        };

        var state = await client.SyncAsync();

        Assert.True(lost);
        Assert.Equal(
            (before.Failures + 1, false, before.RosterVersion, 0),
            (state.Failures, state.HasCursor, state.RosterVersion, state.Staged)
        );
        await client.SettleAsync();
        await NothingChangedAsync(world, client, before);
    }

    /// <summary>Everybody was read once and is being read again: some windows of it lie in the database.</summary>
    private async Task<StoryClient> InterruptedAsync(World world)
    {
        var client = new StoryClient(service, world.Tenant.Id);
        await client.CreateAsync();
        await client.SettleAsync();
        world.Apply(new(TurnKind.Reset, 0, 0, 0));
        Assert.False((await client.SyncAsync()).HasCursor);
        await client.SyncAsync(new Death("after-spill", 3));
        var pages = await client.PagesAsync();
        Assert.Equal(Enumerable.Range(0, pages.Count), pages);
        Assert.InRange(pages.Count, 4, 29);
        return client;
    }

    /// <summary>The directory has not changed, so neither has the roster.</summary>
    private static async Task NothingChangedAsync(World world, StoryClient client, SyncState before)
    {
        var roster = await client.RosterAsync();
        Assert.Equal(before.RosterVersion, roster.Version);
        var check = new RosterCheck(world.Tenant, roster);
        check.IsTheDirectory();
        check.HasEdges(await client.MembershipsAsync());
        Assert.Empty(await client.PagesAsync());
    }
}
