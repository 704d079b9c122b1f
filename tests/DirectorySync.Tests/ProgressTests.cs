using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Sync;
using Rollcall.Platform;
using Rollcall.Testing;

namespace Rollcall.DirectorySync.Tests;

public sealed class ProgressTests(DirectoryFixture service)
{
    /// <summary>Some four seconds of reading.</summary>
    private static readonly object SlowSettings = new { pageSize = 5, latencyMs = 300 };

    [Theory]
    [InlineData(100, 1000, 10, 10.0, 90.0)]
    [InlineData(100, 0, 10, 10.0, null)]
    [InlineData(100, 100, 10, 10.0, null)]
    [InlineData(0, 1000, 10, 0.0, null)]
    [InlineData(0, 1000, 0, 0.0, null)]
    public void Estimate_Unknown_IsNone(int people, int expected, int seconds, double rate, double? remaining)
    {
        var (people1, left) = RunProgress.Estimate(people, expected, TimeSpan.FromSeconds(seconds));

        Assert.Equal((rate, remaining), (people1, left?.TotalSeconds));
    }

    [Fact]
    public async Task Watch_FullRound_ShowsPeopleRateAndTheTimeLeft()
    {
        var client = await service.ConnectedAsync(new { users = 60, groups = 1 });
        await client.GraphAsync(HttpMethod.Patch, "settings", SlowSettings);

        var seen = await WatchAsync(
            client,
            (await client.Syncs.StartSyncAsync(new() { ClientId = client.Id, Mode = SyncMode.Full })).Run.Id
        );

        var known = (await client.UsersAsync()).Count;
        var reading = seen.FindAll(r => r is { State: SyncRunState.Reading, PeoplePerSecond: > 0 });
        Assert.NotEmpty(reading);
        Assert.All(reading, r => Assert.InRange(r.Objects, 1, known));
        Assert.Contains(
            reading,
            r => r.ExpectedPeople == known && r.RemainingDuration?.ToTimeSpan() is { TotalSeconds: > 0 and < 30 }
        );
        Assert.Equal((SyncRunState.Succeeded, known), (seen[^1].State, seen[^1].Objects));
        Assert.Null(seen[^1].RemainingDuration);
    }

    [Fact]
    public async Task FirstSync_NobodyAskedFor_IsSeenWhileItRuns()
    {
        var client = await service.ClientAsync();
        var connecting = client.ConnectAsync(
            new
            {
                users = 60,
                groups = 1,
                settings = SlowSettings,
            }
        );
        SyncRun? run = null;
        await Eventually.HoldsAsync(async () =>
        {
            run = Assert.Single((await client.Syncs.ListSyncRunsAsync(new() { ClientId = client.Id })).Runs);
            Assert.Equal(SyncRunState.Reading, run.State);
            Assert.NotEqual(0, run.ExpectedPeople);
        });

        var seen = await WatchAsync(client, run!.Id);

        await connecting;
        Assert.Equal(run.ExpectedPeople, (await client.UsersAsync()).Count);
        Assert.Equal((SyncRunState.Succeeded, run.ExpectedPeople), (seen[^1].State, seen[^1].Objects));
        Assert.Equal(
            run.Id,
            Assert.Single((await client.Syncs.ListSyncRunsAsync(new() { ClientId = client.Id })).Runs).Id
        );
    }

    [Fact]
    public async Task Poll_LongButQuiet_IsSeenAndLeavesNoRow()
    {
        var client = await service.ConnectedAsync(new { users = 5, groups = 1 });
        var before = await RowsAsync(client);
        await client.GraphAsync(HttpMethod.Patch, "settings", new { latencyMs = 1500 });
        await using var command = service
            .Services.GetRequiredService<WorkerDatabase>()
            .Source.CreateCommand($"update client_sync set next_at = now() where client_id = '{client.Id}'");
        await command.ExecuteNonQueryAsync();
        var board = service.Services.GetRequiredService<ProgressBoard>();
        SyncRun? shown = null;
        await Eventually.HoldsAsync(async () =>
        {
            shown = await board.ReadAsync(client.MspId, Guid.Parse(client.Id));
            Assert.Equal(SyncRunState.Succeeded, shown?.State);
        });

        Assert.Equal(SyncRunState.Succeeded, (await WatchAsync(client, shown!.Id))[^1].State);
        Assert.Equal(before, await RowsAsync(client));
        Assert.DoesNotContain(
            (await client.Syncs.ListSyncRunsAsync(new() { ClientId = client.Id })).Runs,
            r => r.Id == shown.Id
        );
    }

    private static Task<int> RowsAsync(TestClient client) => client.DbAsync(db => db.SyncRuns.CountAsync());

    private static async Task<List<SyncRun>> WatchAsync(TestClient client, string run)
    {
        List<SyncRun> seen = [];
        using var watch = client.Syncs.WatchSyncRun(new() { ClientId = client.Id, SyncRunId = run });
        await foreach (var state in watch.ResponseStream.ReadAllAsync())
        {
            seen.Add(state.Run);
        }

        return seen;
    }
}
