using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Hints;
using Rollcall.Platform;
using Rollcall.Testing;

namespace Rollcall.DirectorySync.Tests;

/// <summary>The poll comes every five minutes: whatever happens within seconds here is a notification's doing.</summary>
public sealed class HintTests(HintFixture service)
{
    private const string Secret = "the subscription's secret";

    [Fact]
    public async Task Change_WithNotification_ArrivesWithinSeconds()
    {
        var client = await SubscribedAsync();

        var person = await client.AddPersonAsync("ada");

        await Eventually.HoldsAsync(async () => Assert.Equal("ada", (await client.UserAsync(person)).DisplayName));
    }

    [Fact]
    public async Task Change_NotificationLost_WaitsForThePoll()
    {
        var client = await SubscribedAsync();
        await client.GraphAsync(HttpMethod.Patch, "settings", new { notifications = new { lossRate = 1.0 } });
        var person = await client.AddPersonAsync("ada");
        await Task.Delay(TimeSpan.FromSeconds(3));
        Assert.DoesNotContain(await client.UsersAsync(), u => u.ExternalId == person.ToString());

        await SetAsync(client, "next_at = now()");

        await Eventually.HoldsAsync(async () => Assert.Equal("ada", (await client.UserAsync(person)).DisplayName));
    }

    [Fact]
    public async Task Groups_WithGroupReadAll_ArriveWithinSeconds()
    {
        var client = await SubscribedAsync();
        Assert.Equal(["users"], (await SubscriptionsAsync(client)).Select(s => s.Resource));
        await client.GraphAsync(HttpMethod.Put, "permissions/Group.Read.All");
        await client.Connections.VerifyConnectionAsync(new() { ClientId = client.Id });
        await QuietAsync(client, subscriptions: 2);

        await client.AddGroupAsync("Board");

        await Eventually.HoldsAsync(async () =>
            Assert.Contains(
                (await client.Roster.ListGroupsAsync(new() { ClientId = client.Id })).Groups,
                g => g.DisplayName == "Board"
            )
        );
    }

    [Theory]
    [InlineData("", true, HintOutcome.Forged)]
    [InlineData("forged", true, HintOutcome.Forged)]
    [InlineData(Secret, false, HintOutcome.WrongDirectory)]
    [InlineData(Secret, true, HintOutcome.Accepted)]
    public void Judge_Secret_MustBeRight(string presented, bool sameDirectory, HintOutcome expected)
    {
        var hash = System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(Secret));
        var known = new HintReceiver.Known(Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7(), hash);
        var hint = new Hint
        {
            SubscriptionId = known.Id.ToString(),
            ClientState = presented,
            TenantId = (sameDirectory ? known.DirectoryTenantId : Guid.CreateVersion7()).ToString(),
        };

        Assert.Equal(expected, HintReceiver.Judge(hint, known));
        Assert.Equal(HintOutcome.Unknown, HintReceiver.Judge(hint, subscription: null));
        Assert.Equal(HintOutcome.Forged, HintReceiver.Judge(hint, known with { SecretHash = null }));
    }

    [Fact]
    public async Task Hint_Forged_ChangesNothingAndIsAnsweredAlike()
    {
        var client = await SubscribedAsync();
        var subscription = Assert.Single(await SubscriptionsAsync(client));
        var before = await SyncAsync(client);

        await service.HintAsync(
            new Hint
            {
                SubscriptionId = subscription.SubscriptionId.ToString(),
                ClientState = "forged",
                TenantId = client.Directory.ToString(),
                LifecycleEvent = "reauthorizationRequired",
            },
            new Hint { SubscriptionId = Guid.CreateVersion7().ToString(), ClientState = "forged" },
            new Hint { SubscriptionId = "no id" },
            new Hint()
        );

        var after = await SyncAsync(client);
        Assert.Equal((before.NextAt, before.HintedAt), (after.NextAt, after.HintedAt));
        Assert.Equal(subscription.DueAt, Assert.Single(await SubscriptionsAsync(client)).DueAt);
    }

    [Fact]
    public async Task Hints_ABurst_BecomeFewSyncs()
    {
        var client = await SubscribedAsync();
        var genuine = await GenuineAsync(client);
        var before = (await SyncAsync(client)).Fence;

        for (var i = 0; i < 100; i++)
        {
            await service.HintAsync([.. Enumerable.Repeat(genuine, 10)]);
            await Task.Delay(20);
        }

        await Task.Delay(TimeSpan.FromSeconds(2.5));
        Assert.InRange((await SyncAsync(client)).Fence - before, 1, 6);
    }

    [Fact]
    public async Task Hint_WhileTheSyncRuns_BringsAnotherLook()
    {
        var client = await SubscribedAsync();
        var genuine = await GenuineAsync(client);
        await client.GraphAsync(HttpMethod.Patch, "settings", new { latencyMs = 1500 });
        await SetAsync(client, "next_at = now()");
        await Eventually.HoldsAsync(async () => Assert.NotNull((await SyncAsync(client)).Owner));
        var fence = (await SyncAsync(client)).Fence;

        await service.HintAsync(genuine);

        Assert.Equal(fence, (await SyncAsync(client)).Fence);
        await Eventually.HoldsAsync(async () => Assert.Equal(fence + 1, (await SyncAsync(client)).Fence));
    }

    [Theory]
    [InlineData("failures = 3, next_at = now() + interval '1 hour'")]
    [InlineData("disabled = true, next_at = now() + interval '1 hour'")]
    public async Task Hint_ClientThatWaits_KeepsWaiting(string state)
    {
        var client = await SubscribedAsync();
        var genuine = await GenuineAsync(client);
        await SetAsync(client, state);
        var before = await SyncAsync(client);

        await service.HintAsync(genuine);

        Assert.Equal(before.NextAt, (await SyncAsync(client)).NextAt);
    }

    private async Task<TestClient> SubscribedAsync()
    {
        var client = await service.ConnectedAsync();
        await QuietAsync(client, subscriptions: 1);
        return client;
    }

    /// <summary>Waits until the subscriptions stand and the syncs they brought are over.</summary>
    private static async Task QuietAsync(TestClient client, int subscriptions)
    {
        await Eventually.HoldsAsync(async () =>
        {
            var all = await SubscriptionsAsync(client);
            Assert.Equal(subscriptions, all.Count(s => s.ExpiresAt is not null));
            var sync = await SyncAsync(client);
            Assert.Null(sync.Owner);
            Assert.True(sync.NextAt > TimeProvider.System.GetUtcNow().AddMinutes(3), $"{sync.NextAt}");
        });
        await Task.Delay(TimeSpan.FromSeconds(2));
    }

    /// <summary>A hint that carries the secret; Graph alone knows the real one, so the test puts its own.</summary>
    private static async Task<Hint> GenuineAsync(TestClient client)
    {
        var hash = System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(Secret));
        await client.DbAsync(db =>
            db.GraphSubscriptions.ExecuteUpdateAsync(s => s.SetProperty(x => x.SecretHash, hash))
        );
        return new()
        {
            SubscriptionId = (await SubscriptionsAsync(client))[0].SubscriptionId.ToString(),
            ClientState = Secret,
            TenantId = client.Directory.ToString(),
        };
    }

    private static Task<List<GraphSubscription>> SubscriptionsAsync(TestClient client) =>
        client.DbAsync(db => db.GraphSubscriptions.AsNoTracking().OrderBy(s => s.Resource).ToListAsync());

    private static Task<ClientSync> SyncAsync(TestClient client) =>
        client.DbAsync(db => db.ClientSyncs.AsNoTracking().SingleAsync());

    private async Task SetAsync(TestClient client, string what)
    {
        await using var command = service
            .Services.GetRequiredService<WorkerDatabase>()
            .Source.CreateCommand($"update client_sync set {what} where client_id = '{client.Id}'");
        await command.ExecuteNonQueryAsync();
    }
}
