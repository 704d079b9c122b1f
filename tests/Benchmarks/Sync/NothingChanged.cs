namespace Rollcall.Benchmarks.Sync;

/// <summary>A poll of 10,000 people that finds nothing new, from claim to commit.</summary>
public static class NothingChanged
{
    private const int Polls = 20;

    public static async Task RunAsync(Report report)
    {
        await using var cloud = new Cloud();
        var tenant = cloud.Add(10_000, groups: 200, links: 20_000, new() { Throttling = false, LatencyMs = 50 });
        await using var service = await Service.CreateAsync(cloud);
        var client = await service.AddClientAsync(tenant.Id);
        service.Start();
        await service.WarmUpAsync();
        await service.SyncAsync(client);
        await service.SyncAsync(client);

        var calls = cloud.Count(tenant);
        List<double> times = [];
        for (var i = 0; i < Polls; i++)
        {
            times.Add((await service.SyncAsync(client)).TotalMilliseconds);
        }

        times.Sort();
        report.Say("nothing changed in 10k: Graph calls", calls.Matched / (double)Polls, "calls", 2);
        report.Say("nothing changed in 10k: claim to commit, median", times[Polls / 2], "ms", 200);
        report.Say("nothing changed in 10k: claim to commit, the most", times[^1], "ms");
    }
}
