using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Grpc.Core;
using Npgsql;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Identity.V1;
using Rollcall.Testing;

namespace Rollcall.Edge.Tests;

/// <summary>Promise R9 at the door: what needs the part that is away says so, the rest goes on, and all of it comes back.</summary>
public sealed class OutageTests(EdgeFixture fixture)
{
    [Fact]
    public async Task DatabaseAway_TokenHolders_GoOnAndSignInComesBack()
    {
        var database = TestServers.NewDatabase("edge_outage");
        await EdgeFixture.ProvisionAsync(database);
        await using (
            var edge = fixture.Start(
                ("ConnectionStrings:database", TestServers.As(database, "app")),
                ("ConnectionStrings:worker", TestServers.As(database, "worker"))
            )
        )
        {
            var token = await fixture.TokenAsync("msp-admin", Guid.CreateVersion7());
            await AdmitAsync(database, connections: 0);

            using var refused = await fixture.AskForTokenAsync("platform", "platform-secret", edge: edge);
            var error = await refused.Content.ReadFromJsonAsync<JsonElement>();
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
            Assert.NotNull(refused.Headers.RetryAfter);
            Assert.Equal("temporarily_unavailable", error.GetProperty("error").GetString());
            await edge.Client<ClientService.ClientServiceClient>(token).ListClientsAsync(new());
            Assert.Equal(
                (StatusCode.Unavailable, "DATABASE_UNAVAILABLE"),
                await RpcErrors.RefusalAsync(() =>
                    edge.Client<IdentityService.IdentityServiceClient>(token).ListOperatorsAsync(new()).ResponseAsync
                )
            );

            await AdmitAsync(database, connections: -1);
            await fixture.TokenOfAsync("platform", "platform-secret", edge);
        }

        await TestServers.DropAsync(database);
    }

    [Fact]
    public async Task BrokerAway_TheDoor_StaysOpen()
    {
        await using var edge = fixture.Start(
            ("ConnectionStrings:rabbitmq", $"amqp://guest:guest@127.0.0.1:{EdgeFixture.FreePort()}/")
        );
        var (clientId, secret) = await fixture.AddAccountAsync("msp-admin", Guid.CreateVersion7());

        var token = await fixture.TokenOfAsync(clientId, secret, edge);
        await edge.Client<ClientService.ClientServiceClient>(token).ListClientsAsync(new());
        using var ready = await edge.Http.GetAsync(new Uri("/health/ready", UriKind.Relative));

        Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
        Assert.Equal("Degraded", await ready.Content.ReadAsStringAsync());
    }

    /// <summary>Ends the database's connections and takes no more than that many; the tests' own role is not counted.</summary>
    private static async Task AdmitAsync(string database, int connections)
    {
        await using var source = NpgsqlDataSource.Create(TestServers.Postgres);
        await using var limit = source.CreateCommand($"alter database \"{database}\" connection limit {connections}");
        await limit.ExecuteNonQueryAsync();
        await using var end = source.CreateCommand(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1"
        );
        end.Parameters.Add(new() { Value = database });
        await end.ExecuteNonQueryAsync();
    }
}
