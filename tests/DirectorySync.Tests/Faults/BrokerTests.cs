using Rollcall.Api.Ops.V1;
using Rollcall.DirectorySync.Tests.Model;
using Rollcall.Testing;

namespace Rollcall.DirectorySync.Tests.Faults;

/// <summary>RabbitMQ is killed and stays away: syncs go on, their events wait.</summary>
[Collection(nameof(FaultTests))]
public sealed class BrokerTests(FaultFixture service)
{
    [Fact]
    public async Task BrokerKilled_SyncsGoOn_EventsWaitAndComeOnce()
    {
        var client = await service.ReadAsync();
        using var world = client.World;
        await Task.WhenAll(ChangesAsync(client, 5), service.Servers.RabbitMq.KillAsync());
        var started = TimeProvider.System.GetTimestamp();
        do
        {
            await ChangesAsync(client, 1);
        } while (TimeProvider.System.GetElapsedTime(started) < FaultFixture.Outage);

        Assert.True(await service.ScalarAsync<long>("select count(*) from outbox") > 0);
        Assert.Equal(0L, await service.ScalarAsync<long>("select count(*) from outbox where attempts > 0"));
        await service.WellAsync(client);

        await service.Servers.RabbitMq.StartAsync();

        await FaultFixture.SettledAsync(client);
        await Eventually.HoldsAsync(
            async () => Assert.Equal(0L, await service.ScalarAsync<long>("select count(*) from outbox")),
            TimeSpan.FromMinutes(1)
        );
        Assert.Equal(0L, await service.ScalarAsync<long>("select count(*) from outbox_dead"));
        Assert.Empty(service.Events.Of<AlarmRaised>());
    }

    /// <summary>Each change is seen in the roster before the next: the syncs do not wait for the broker.</summary>
    private static async Task ChangesAsync(CrashClient client, int count)
    {
        for (var i = 0; i < count; i++)
        {
            client.World.Apply(new(TurnKind.AddUser, 2, i + 1, 2));
            await Eventually.HoldsAsync(() => client.RosterIsDirectoryAsync());
        }
    }
}
