using Rollcall.DirectorySync.Tests.Model;
using Rollcall.Testing;

namespace Rollcall.DirectorySync.Tests.Faults;

/// <summary>Redis is emptied, killed or hangs: cursors and health come from Postgres, and no client is read in full for it.</summary>
[Collection(nameof(FaultTests))]
public sealed class CacheTests(FaultFixture service)
{
    [Fact]
    public async Task RedisDownAtStart_ClientsAreRead_AndCachedOnceItIsThere()
    {
        var client = service.First;

        client.World.Apply(new(TurnKind.AddUser, 1, 1, 0));
        await client.DueAsync();

        await CachedAsync(client);
        await FaultFixture.SettledAsync(client);
    }

    [Fact]
    public async Task RedisFlushed_RoundsGoOn_NoneIsFull()
    {
        var client = await service.ReadAsync();
        using var world = client.World;
        await CachedAsync(client);
        var fullRounds = service.CountBeginnings(client);
        await using (var redis = await service.RedisAsync())
        {
            await redis.GetServers()[0].FlushAllDatabasesAsync();
        }

        client.Change();
        await FaultFixture.SettledAsync(client);

        await CachedAsync(client);
        Assert.Equal(0, fullRounds.Matched);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task RedisAway_RoundsGoOn_HealthIsTold_AndItIsUsedAgain(bool hangs)
    {
        var client = await service.ReadAsync();
        using var world = client.World;
        await CachedAsync(client);
        var fullRounds = service.CountBeginnings(client);
        await (hangs ? service.Servers.Redis.HangAsync() : service.Servers.Redis.KillAsync());
        try
        {
            client.Change();
            await FaultFixture.SettledAsync(client);
            var before = await client.StandingAsync();
            await Eventually.HoldsAsync(async () =>
                Assert.True((await client.StandingAsync()).CursorVersion > before.CursorVersion + 1)
            );
            await service.WellAsync(client);
            Assert.Equal(before.RosterVersion, (await service.HealthAsync(client)).RosterVersion);
        }
        finally
        {
            await (hangs ? service.Servers.Redis.WakeAsync() : service.Servers.Redis.StartAsync());
        }

        client.World.Apply(new(TurnKind.AddUser, 1, 1, 0));
        await FaultFixture.SettledAsync(client);
        await CachedAsync(client);
        Assert.Equal(0, fullRounds.Matched);
    }

    /// <summary>The cache has the cursors of the row, or had a moment ago.</summary>
    private Task CachedAsync(CrashClient client) =>
        Eventually.HoldsAsync(async () =>
        {
            var version = (await client.StandingAsync()).CursorVersion;
            Assert.True(await client.CachedVersionAsync(service.Servers.RedisAddress) >= version);
        });
}
