using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Hints;
using Rollcall.Platform;
using Rollcall.Testing;

namespace Rollcall.DirectorySync.Tests;

public sealed class SubscriptionTests(HintFixture service)
{
    [Fact]
    public async Task Subscription_Due_IsRenewed()
    {
        var client = await SubscribedAsync();
        var before = Assert.Single(await AtGraphAsync(client));

        await DueAsync(client);

        await Eventually.HoldsAsync(async () =>
        {
            var after = Assert.Single(await AtGraphAsync(client));
            Assert.Equal(before.Id, after.Id);
            Assert.True(after.ExpiresAt > before.ExpiresAt);
        });

        // Graph has it before our row does.
        await Eventually.HoldsAsync(async () =>
        {
            var row = await client.DbAsync(db => db.GraphSubscriptions.AsNoTracking().SingleAsync());
            Assert.InRange(row.DueAt - TimeProvider.System.GetUtcNow(), TimeSpan.FromHours(18), TimeSpan.FromHours(24));
        });
    }

    [Fact]
    public async Task Subscription_VanishedAndDue_IsMadeAgain()
    {
        var client = await SubscribedAsync();
        var before = Assert.Single(await AtGraphAsync(client));
        await client.GraphAsync(HttpMethod.Delete, $"subscriptions/{before.Id}");

        await DueAsync(client);

        await Eventually.HoldsAsync(async () =>
            Assert.NotEqual(before.Id, Assert.Single(await AtGraphAsync(client)).Id)
        );
    }

    [Theory]
    [InlineData("reauthorizationRequired")]
    [InlineData("subscriptionRemoved")]
    [InlineData("missed")]
    public async Task LifecycleEvent_OfAnyKind_RenewsAndLooksAgain(string lifecycleEvent)
    {
        var client = await SubscribedAsync();
        var before = Assert.Single(await AtGraphAsync(client));
        var fence = await FenceAsync(client);

        await client.GraphAsync(
            HttpMethod.Post,
            $"subscriptions/{before.Id}/lifecycle",
            new Dictionary<string, string> { ["event"] = lifecycleEvent }
        );

        await Eventually.HoldsAsync(async () =>
        {
            Assert.True(Assert.Single(await AtGraphAsync(client)).ExpiresAt > before.ExpiresAt);
            Assert.True(await FenceAsync(client) > fence);
        });
    }

    [Fact]
    public async Task Subscription_MadeByOneWhoDied_IsReplaced()
    {
        var client = await SubscribedAsync();
        var before = Assert.Single(await AtGraphAsync(client));
        await client.DbAsync(db =>
            db.GraphSubscriptions.ExecuteUpdateAsync(s => s.SetProperty(x => x.SubscriptionId, (Guid?)null))
        );

        await DueAsync(client);

        await Eventually.HoldsAsync(async () =>
            Assert.NotEqual(before.Id, Assert.Single(await AtGraphAsync(client)).Id)
        );
    }

    [Fact]
    public async Task Created_LeaseLost_IsNotRecorded()
    {
        var client = await SubscribedAsync();
        var row = await client.DbAsync(db => db.GraphSubscriptions.AsNoTracking().SingleAsync());
        var leases = service.Services.GetRequiredService<SubscriptionLeases>();
        var stale = new SubscriptionLease(
            row.ClientId,
            row.Resource,
            row.DirectoryTenantId,
            Wanted: true,
            row.SubscriptionId,
            row.NotificationUrl,
            row.Fence - 1,
            Failures: 0
        );

        Assert.False(
            await leases.CreatedAsync(
                stale,
                Guid.CreateVersion7(),
                [],
                "",
                row.ExpiresAt!.Value,
                TimeSpan.Zero,
                default
            )
        );
        Assert.Equal(
            row.SubscriptionId,
            (await client.DbAsync(db => db.GraphSubscriptions.AsNoTracking().SingleAsync())).SubscriptionId
        );
    }

    [Fact]
    public async Task Disconnect_Subscribed_DeletesAtGraphAndHere()
    {
        var client = await SubscribedAsync();

        await client.Connections.DisconnectAsync(new() { ClientId = client.Id });

        await Eventually.HoldsAsync(async () =>
        {
            Assert.Empty(await AtGraphAsync(client));
            Assert.Equal(0, await client.DbAsync(db => db.GraphSubscriptions.CountAsync()));
        });
    }

    [Fact]
    public async Task Subscription_RefusedByGraph_ShowsOnTheConnectionAndFailsNothing()
    {
        var client = await SubscribedAsync();
        var id = Assert.Single(await AtGraphAsync(client)).Id;
        await client.GraphAsync(HttpMethod.Delete, $"subscriptions/{id}");
        await client.FaultAsync(
            new
            {
                path = "/v1.0/subscriptions*",
                kind = "status",
                status = 403,
                times = 1000,
            }
        );

        await DueAsync(client);

        await Eventually.HoldsAsync(async () =>
        {
            var connection = (await client.Connections.GetConnectionAsync(new() { ClientId = client.Id })).Connection;
            Assert.NotEqual("", Assert.Single(connection.Notifications).Problem);
            Assert.Equal(ConnectionState.Connected, connection.State);
        });
        await client.SyncedAsync();
        Assert.Equal(HealthState.Healthy, (await client.HealthAsync()).State);
    }

    private async Task<TestClient> SubscribedAsync()
    {
        var client = await service.ConnectedAsync();
        await Eventually.HoldsAsync(async () =>
        {
            Assert.Single(await AtGraphAsync(client));
            Assert.NotNull((await client.DbAsync(db => db.GraphSubscriptions.AsNoTracking().SingleAsync())).ExpiresAt);
        });
        return client;
    }

    private async Task DueAsync(TestClient client)
    {
        await using var command = service
            .Services.GetRequiredService<WorkerDatabase>()
            .Source.CreateCommand($"update graph_subscription set due_at = now() where client_id = '{client.Id}'");
        await command.ExecuteNonQueryAsync();
    }

    private static Task<long> FenceAsync(TestClient client) =>
        client.DbAsync(db => db.ClientSyncs.AsNoTracking().Select(s => s.Fence).SingleAsync());

    private static async Task<List<(Guid Id, DateTimeOffset ExpiresAt)>> AtGraphAsync(TestClient client)
    {
        var list = await client.GraphAsync(HttpMethod.Get, "subscriptions");
        return
        [
            .. list.EnumerateArray()
                .Select(
                    (JsonElement s) => (s.GetProperty("id").GetGuid(), s.GetProperty("expiresAt").GetDateTimeOffset())
                ),
        ];
    }
}
