using Microsoft.Extensions.Logging.Abstractions;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Sync;
using Rollcall.Platform;
using StackExchange.Redis;

namespace Rollcall.Benchmarks.Sync;

/// <summary>10,000 clients at rest, all due at once, in directories that take 50 ms for each call.</summary>
public static class IdleFleet
{
    private const int Clients = 10_000;

    public static async Task RunAsync(Report report)
    {
        await using var cloud = new Cloud();
        await using var service = await Service.CreateAsync(cloud);
        var fleet = new Fleet(cloud, service, new() { LatencyMs = 50 });
        await fleet.AddAsync(Clients);
        report.Say("10k idle clients: all claims", await ClaimAsync(service), "s", 2);

        service.Start();
        await service.WarmUpAsync();
        report.Say("10k idle clients: cold tokens", (await fleet.PollAsync()).TotalSeconds, "s", 60);
        var before = await WrittenAsync(service);
        report.Say("10k idle clients: warm tokens", (await fleet.PollAsync()).TotalSeconds, "s", 30);
        report.Say("10k idle clients: rows written beside the lease", await WrittenAsync(service) - before, "rows", 0);
        report.Say("10k idle clients: resident memory, the most", service.Memory(), "MB");
    }

    /// <summary>What the scheduler does before it runs anything: leases and cursors of all that are due.</summary>
    private static async Task<double> ClaimAsync(Service service)
    {
        await using var database = new WorkerDatabase(service.Worker);
        await using var redis = await ConnectionMultiplexer.ConnectAsync(Testing.TestServers.Redis);
        var leases = new Leases(database);
        var cursors = new Cursors(database, new(redis, NullLogger<Cache>.Instance));
        await leases.ClaimAsync("true", 1, default);
        await service.ExecuteAsync("update client_sync set next_at = now()");
        var start = TimeProvider.System.GetTimestamp();
        var claimed = 0;
        while (await leases.ClaimAsync("failures = 0", 200, default) is { Count: > 0 } batch)
        {
            claimed += (await cursors.LoadAsync(batch, default)).Count(l => !l.IsFull);
        }

        var took = TimeProvider.System.GetElapsedTime(start).TotalSeconds;
        return claimed == Clients ? took : throw new InvalidOperationException($"Only {claimed} were claimed.");
    }

    private static async Task<long> WrittenAsync(Service service)
    {
        await Task.Delay(TimeSpan.FromSeconds(2));
        return await service.ScalarAsync<long>(
            """
            select sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint from pg_stat_user_tables where relname <> 'client_sync'
            """
        );
    }
}
