using Microsoft.Extensions.DependencyInjection;
using Rollcall.DirectorySync.Graph;
using Rollcall.DirectorySync.Tests.Model;
using Rollcall.GraphEmulator.Faults;

namespace Rollcall.DirectorySync.Tests;

/// <summary>Pages that lead round in a circle: their client is told of it, and nobody follows them for ever.</summary>
public sealed class CircleTests(DirectoryFixture service)
{
    private const int Pages = 7;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <param name="pages">How many the circle has.</param>
    [Theory]
    [InlineData("users", 1)]
    [InlineData("users", 2)]
    [InlineData("users", 5)]
    [InlineData("groups", 1)]
    [InlineData("groups", 5)]
    public async Task Round_InACircle_IsNotFollowed(string stream, int pages)
    {
        using var world = World();
        var client = new StoryClient(service, world.Tenant.Id);
        await client.CreateAsync();
        var fault = Fail(world, $"/v1.0/{stream}/delta*", pages);

        var state = await client.SyncAsync().WaitAsync(Patience);

        Assert.Equal((1, false, 0), (state.Failures, state.HasCursor, state.RosterVersion));
        Assert.InRange(fault.Matched, pages + 1, 4 * pages);
        Assert.Equal("CIRCULAR_PAGES", await ErrorAsync(client));

        world.Mend();
        state = await client.SyncAsync().WaitAsync(Patience);
        Assert.Equal((0, true, 1), (state.Failures, state.HasCursor, state.RosterVersion));
    }

    [Fact]
    public async Task EndOfAFullRound_InACircle_IsNotFollowed()
    {
        using var world = World();
        var client = new StoryClient(service, world.Tenant.Id);
        await client.CreateAsync();
        world.Apply(Turn.Meanwhile("users", answer: 2, TurnKind.AddUser));
        world.Apply(Turn.Meanwhile("users", answer: 3, TurnKind.ChangeUser));
        Fail(world, "/v1.0/users/delta*", nth: [.. Enumerable.Range(Pages + 1, 100)]);

        var state = await client.SyncAsync().WaitAsync(Patience);

        Assert.Equal((1, false), (state.Failures, state.HasCursor));
        Assert.Equal("CIRCULAR_PAGES", await ErrorAsync(client));
    }

    [Fact]
    public async Task List_InACircle_IsNotFollowed()
    {
        using var world = World();
        var batch = service.Services.GetRequiredService<GraphBatch>();
        var person = world.Tenant.Users.First();
        world.Apply(new(TurnKind.AddMember, 0, 0, 0));
        world.Apply(new(TurnKind.AddMember, 1, 0, 0));
        using var patience = new CancellationTokenSource(Patience);
        Assert.Equal(2, (await ListAsync()).Count);
        var fault = Fail(world, "/v1.0/users/*/memberOf*");

        var error = await Assert.ThrowsAsync<GraphException>(ListAsync);

        Assert.Equal((GraphFailure.Unexpected, 2), (error.Failure, fault.Matched));
        Assert.Contains("circle", error.Message, StringComparison.Ordinal);

        Task<List<(Guid Of, System.Text.Json.JsonElement Item)>> ListAsync() =>
            batch.ListAsync(world.Tenant.Id, [person.Id], id => $"/users/{id}/memberOf?$select=id", patience.Token);
    }

    private async Task<object?> ErrorAsync(StoryClient client)
    {
        await using var health = service.Owner.CreateCommand(
            "select error_code from client_health where client_id = $1"
        );
        health.Parameters.Add(new() { Value = client.ClientId });
        return await health.ExecuteScalarAsync();
    }

    private World World() => new(service.Graph, new(1, Users: Pages, Groups: Pages, new() { PageSize = 1 }, []));

    private FaultRule Fail(World world, string path, int every = 1, int[]? nth = null)
    {
        var fault = new FaultRule
        {
            Tenant = world.Tenant.Id,
            Kind = FaultKind.Circle,
            Path = path,
            Every = every,
            Nth = nth,
        };
        service.Graph.Services.GetRequiredService<FaultSchedule>().Add([fault]);
        return fault;
    }
}
