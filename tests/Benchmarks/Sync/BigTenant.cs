using Rollcall.GraphEmulator.Seeding;

namespace Rollcall.Benchmarks.Sync;

/// <summary>100,000 people, 1,000 groups, 500,000 links, compared with a bare reader of the same pages.</summary>
public static class BigTenant
{
    private const int People = 100_000;

    public static async Task RunAsync(Report report)
    {
        await using var cloud = new Cloud();
        var tenant = cloud.Add(People, groups: 1000, links: 500_000);
        await using var service = await Service.CreateAsync(cloud);
        using var bare = new BareReader(cloud, service.Database, tenant);
        var bareFirst = await bare.ReadAsync();
        var client = await service.AddClientAsync(tenant.Id);
        service.Start();
        await service.WarmUpAsync();
        var processor = service.Processor();
        var first = await service.SyncAsync(client);
        processor = service.Processor() - processor;
        report.Say("first sync 100k: bare reader", bareFirst.TotalSeconds, "s");
        report.Say("first sync 100k: seconds", first.TotalSeconds, "s");
        report.Say("first sync 100k: processor time of directory-sync", processor.TotalSeconds, "s");
        report.Say("first sync 100k: ratio to the bare reader", first / bareFirst, "x", 3.0);
        report.Say("first sync 100k: resident memory, the most", service.Memory(), "MB", 300);

        await bare.ReadAsync();
        lock (tenant.Gate)
        {
            new Churn(tenant, seed: 3).Make(People / 100, removals: false);
        }

        // As autovacuum does within a minute.
        await service.ExecuteAsync("analyze");
        var bareDelta = await bare.ReadAsync();
        var written = await WrittenAsync(service);
        var delta = await service.SyncAsync(client);
        report.Say("1 % of 100k: bare reader", bareDelta.TotalSeconds, "s");
        report.Say("1 % of 100k: seconds", delta.TotalSeconds, "s");
        report.Say("1 % of 100k: ratio to the bare reader", delta / bareDelta, "x", 4.0);
        report.Say("1 % of 100k: roster rows written", await WrittenAsync(service) - written, "rows", People / 10);
    }

    private static async Task<long> WrittenAsync(Service service)
    {
        // The statistics of a connection are told once it has been idle for a moment.
        await Task.Delay(TimeSpan.FromSeconds(2));
        return await service.ScalarAsync<long>(
            """
            select sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint from pg_stat_user_tables
            where relname in ('directory_user', 'directory_group', 'membership')
            """
        );
    }
}
