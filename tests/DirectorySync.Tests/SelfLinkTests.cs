using Microsoft.Extensions.DependencyInjection;
using Rollcall.DirectorySync.Graph;
using Rollcall.DirectorySync.Tests.Model;
using Rollcall.GraphEmulator.Faults;

namespace Rollcall.DirectorySync.Tests;

/// <summary>A page that names itself as the next one: its client is told of it, and nobody follows it for ever.</summary>
public sealed class SelfLinkTests(DirectoryFixture service)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData("users")]
    [InlineData("groups")]
    public async Task Page_OfARound_IsNotFollowed(string stream)
    {
        using var world = World();
        var client = new StoryClient(service, world.Tenant.Id);
        await client.CreateAsync();
        var fault = Fail(world, $"/v1.0/{stream}/delta*");

        var state = await client.SyncAsync().WaitAsync(Patience);

        Assert.Equal((1, false, 0), (state.Failures, state.HasCursor, state.RosterVersion));
        Assert.Equal(2, fault.Matched);
        await using var health = service.Owner.CreateCommand(
            "select error_code from client_health where client_id = $1"
        );
        health.Parameters.Add(new() { Value = client.ClientId });
        Assert.Equal("MALFORMED_PAGE", await health.ExecuteScalarAsync());
    }

    [Fact]
    public async Task Page_OfAList_IsNotFollowed()
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

        Assert.Equal((GraphFailure.Transient, 2), (error.Failure, fault.Matched));
        Assert.Contains("names itself", error.Message, StringComparison.Ordinal);

        Task<List<(Guid Of, System.Text.Json.JsonElement Item)>> ListAsync() =>
            batch.ListAsync(world.Tenant.Id, [person.Id], id => $"/users/{id}/memberOf?$select=id", patience.Token);
    }

    private World World() => new(service.Graph, new(1, Users: 3, Groups: 3, new() { PageSize = 1 }, []));

    private FaultRule Fail(World world, string path)
    {
        var fault = new FaultRule
        {
            Tenant = world.Tenant.Id,
            Kind = FaultKind.SelfLink,
            Path = path,
        };
        service.Graph.Services.GetRequiredService<FaultSchedule>().Add([fault]);
        return fault;
    }
}
