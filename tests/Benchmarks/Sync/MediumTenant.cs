namespace Rollcall.Benchmarks.Sync;

/// <summary>10,000 people and 200 groups in a directory that takes 50 ms for each call.</summary>
public static class MediumTenant
{
    public static async Task RunAsync(Report report)
    {
        await using var cloud = new Cloud();
        var tenant = cloud.Add(10_000, groups: 200, links: 20_000, new() { Throttling = false, LatencyMs = 50 });
        await using var service = await Service.CreateAsync(cloud);
        var client = await service.AddClientAsync(tenant.Id);
        service.Start();
        await service.WarmUpAsync();
        var first = await service.SyncAsync(client);
        report.Say("first sync 10k at 50 ms per call", first.TotalSeconds, "s", 4);
    }
}
