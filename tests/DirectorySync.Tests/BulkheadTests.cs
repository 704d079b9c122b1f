using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Rollcall.Api.Directory.V1;
using Rollcall.GraphEmulator.Faults;
using Rollcall.Testing;

namespace Rollcall.DirectorySync.Tests;

/// <summary>The service with hardly any places, so that a few clients can fill them.</summary>
public sealed class NarrowFixture : DirectoryFixture
{
    protected override IEnumerable<KeyValuePair<string, string?>> Settings =>
        [
            .. base.Settings,
            new("Sync:Places", "3"),
            new("Sync:TroublePlaces", "1"),
            new("Sync:FullPlaces", "3"),
            new("Sync:SlowAfter", "00:00:00.5"),
            new("Graph:CallTimeout", "00:01:00"),
        ];
}

public sealed class BulkheadTests(NarrowFixture service) : IClassFixture<NarrowFixture>
{
    /// <summary>Far less than the time a hanging call may take.</summary>
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Poll_MoreClientsHangThanThereArePlaces_OthersAreReadOnTime(int failures)
    {
        var well = await service.ConnectedAsync();
        var hanging = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => service.ConnectedAsync()));
        var hung = new List<FaultRule>();
        foreach (var client in hanging)
        {
            hung.Add(new() { Tenant = client.Directory, Kind = FaultKind.Hang });
            service.Graph.Services.GetRequiredService<FaultSchedule>().Add([hung[^1]]);
            await client.DbAsync(db =>
                db.Database.ExecuteSqlAsync($"update client_sync set next_at = now(), failures = {failures}")
            );
        }

        // Those that failed before have one place for all of them.
        var places = failures == 0 ? 5 : 1;
        await Eventually.HoldsAsync(
            () =>
            {
                Assert.True(hung.Count(h => h.Matched > 0) >= places);
                return Task.CompletedTask;
            },
            TimeSpan.FromSeconds(60)
        );

        var run = await well.SyncAsync().WaitAsync(Soon);

        Assert.Equal(SyncRunState.Succeeded, run.State);
        Assert.True(failures == 0 || hung.Count(h => h.Matched > 0) == 1);
        await Task.WhenAll(hanging.Select(c => c.Connections.DisconnectAsync(new() { ClientId = c.Id }).ResponseAsync));
        foreach (var client in hanging)
        {
            await client.MendAsync();
        }
    }

    [Fact]
    public async Task SyncAskedFor_MicrosoftAsksToWait_IsPutOffAndThenDone()
    {
        var client = await service.ConnectedAsync();
        await client.FaultAsync(
            new
            {
                kind = "throttle",
                retryAfter = 4,
                times = 1,
            }
        );
        var start = TimeProvider.System.GetTimestamp();

        var run = await client.SyncAsync().WaitAsync(TimeSpan.FromSeconds(60));

        Assert.Equal((SyncRunState.Succeeded, ""), (run.State, run.ErrorCode));
        Assert.True(TimeProvider.System.GetElapsedTime(start) >= TimeSpan.FromSeconds(3.9));
        Assert.Equal(HealthState.Healthy, (await client.HealthAsync()).State);
    }
}
