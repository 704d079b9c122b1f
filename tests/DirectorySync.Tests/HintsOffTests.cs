using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Hints;
using Rollcall.GraphEmulator.Model;
using Rollcall.Platform;
using Rollcall.Testing;

namespace Rollcall.DirectorySync.Tests;

/// <summary>A service that has no public address any more.</summary>
public sealed class HintsOffTests(DirectoryFixture service)
{
    private const string Address = "https://hooks.example/graph/notifications";

    [Fact]
    public async Task Subscription_OfAnAddressWeHadOnce_IsDeletedAtGraphAndStaysWanted()
    {
        var client = await service.ConnectedAsync();
        var tenant = service.Graph.Services.GetRequiredService<Emulation>().Tenants[client.Directory];
        var live = new Subscription
        {
            AppId = Emulator.ClientId,
            Resource = "users",
            ChangeType = "updated,deleted",
            NotificationUrl = Address,
            ExpiresAt = TimeProvider.System.GetUtcNow().AddDays(7),
        };
        lock (tenant.Gate)
        {
            tenant.Subscriptions.Add(live);
        }

        await using (
            var command = service
                .Services.GetRequiredService<WorkerDatabase>()
                .Source.CreateCommand(
                    $"""
                    update graph_subscription set subscription_id = '{live.Id}', notification_url = '{Address}',
                      expires_at = now() + '7 days', due_at = now() + '1 day'
                    where client_id = '{client.Id}'
                    """
                )
        )
        {
            Assert.Equal(1, await command.ExecuteNonQueryAsync());
        }

        // As the service does when it starts.
        await service.Services.GetRequiredService<SubscriptionLeases>().MoveAsync(notificationUrl: null, default);

        await Eventually.HoldsAsync(async () =>
        {
            Assert.Empty((await client.GraphAsync(HttpMethod.Get, "subscriptions")).EnumerateArray());
            var row = await RowAsync(client);
            Assert.Equal((true, null, null), (row.Wanted, row.SubscriptionId, row.NotificationUrl));
        });
    }

    private static Task<GraphSubscription> RowAsync(TestClient client) =>
        client.DbAsync(db => db.GraphSubscriptions.AsNoTracking().SingleAsync());
}
