using System.Diagnostics;

namespace Rollcall.Benchmarks.Sync;

/// <summary>A dry run over 100,000 people nobody has read before: everybody is previewed and nothing is kept.</summary>
public static class BigDryRun
{
    private const int People = 100_000;

    public static async Task RunAsync(Report report)
    {
        await using var cloud = new Cloud();
        var tenant = cloud.Add(People, groups: 1000, links: 500_000);
        await using var service = await Service.CreateAsync(cloud);
        var client = await service.AddClientAsync(tenant.Id);
        service.Start();
        await service.WarmUpAsync();

        var watch = Stopwatch.StartNew();
        var run = Guid.CreateVersion7();
        await service.ExecuteAsync(
            $"""
            insert into sync_run (id, msp_id, client_id, mode, state, started_at, pages, objects, added, changed, removed,
              staged, roster_version, error_code, problem)
            select '{run}', msp_id, client_id, 3, 1, now(), 0, 0, 0, 0, 0, 0, 0, '', '' from client_sync where client_id = '{client}';
            update client_sync set next_at = now(), requested_run_id = '{run}' where client_id = '{client}';
            """
        );
        while (await service.ScalarAsync<int>($"select state from sync_run where id = '{run}'") is not (4 or 5))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50));
            if (watch.Elapsed > TimeSpan.FromMinutes(5))
            {
                throw new InvalidOperationException("The dry run did not end within 5 minutes.");
            }
        }

        report.Say("dry run of 100k: seconds", watch.Elapsed.TotalSeconds, "s");
        report.Say("dry run of 100k: resident memory, the most", service.Memory(), "MB", 300);
        var shown = await service.ScalarAsync<long>($"select count(*) from sync_preview where run_id = '{run}'");
        report.Say("dry run of 100k: people and groups not shown", People + 1000 - shown, "objects", 0);
        var kept = await service.ScalarAsync<long>($"select count(*) from directory_user where client_id = '{client}'");
        report.Say("dry run of 100k: people written to the roster", kept, "rows", 0);
    }
}
