using Rollcall.GraphEmulator.Faults;

namespace Rollcall.Benchmarks.Sync;

/// <summary>
/// 1,000 clients read every five seconds; then one of them hangs and a hundred refuse. The others must not notice: what
/// counts is how old their rosters become between two successes.
/// </summary>
public static class Neighbours
{
    private const int Clients = 1000;
    private const int Bad = 101;
    private static readonly TimeSpan Watched = TimeSpan.FromSeconds(60);

    public static async Task RunAsync(Report report)
    {
        await using var cloud = new Cloud();
        await using var service = await Service.CreateAsync(cloud, new() { ["Logging__LogLevel__Default"] = "Error" });
        var fleet = new Fleet(cloud, service, new() { LatencyMs = 50 });
        await fleet.AddAsync(Clients);
        service.Start();
        await service.WarmUpAsync();
        await service.ExecuteAsync(
            "update client_sync set every = interval '5 seconds', next_at = now() + random() * interval '5 seconds' where every = interval '1 hour'"
        );
        await Task.Delay(TimeSpan.FromSeconds(15));

        var others = fleet.Tenants.Skip(Bad).Select(t => t.Id).ToArray();
        var alone = await FreshnessAsync(service, others);
        cloud.Fail([
            .. fleet
                .Tenants.Take(Bad)
                .Select(
                    (t, i) =>
                        new FaultRule
                        {
                            Tenant = t.Id,
                            Kind =
                                i == 0 ? FaultKind.Hang
                                : i % 2 == 0 ? FaultKind.Throttle
                                : FaultKind.Reset,
                        }
                ),
        ]);
        var beside = await FreshnessAsync(service, others);
        report.Say("1,000 clients: age of 95 % of rosters at most", alone, "s");
        report.Say("1 hanging, 100 refusing: age of 95 % of the others' rosters at most", beside, "s");
        report.Say("1 hanging, 100 refusing: change for the others", (beside / alone - 1) * 100, "%", 10);
    }

    /// <summary>How old rosters are just before they are read again: the 95th percentile.</summary>
    private static async Task<double> FreshnessAsync(Service service, Guid[] directories)
    {
        var last = new Dictionary<Guid, DateTime>();
        List<double> ages = [];
        var start = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(start) < Watched)
        {
            await using var command = service.Database.CreateCommand(
                "select directory_tenant_id, last_success_at from client_sync where directory_tenant_id = any ($1)"
            );
            command.Parameters.Add(new() { Value = directories });
            await using var reader = await command.ExecuteReaderAsync();
            while (await reader.ReadAsync())
            {
                var (directory, at) = (reader.GetGuid(0), reader.GetDateTime(1));
                if (last.TryGetValue(directory, out var before) && at > before)
                {
                    ages.Add((at - before).TotalSeconds);
                }

                last[directory] = at;
            }

            await Task.Delay(TimeSpan.FromSeconds(1));
        }

        // Those that are not read any more have no second success.
        var now = TimeProvider.System.GetUtcNow().UtcDateTime;
        ages.AddRange(last.Values.Select(at => (now - at).TotalSeconds).Where(age => age > 10));
        ages.Sort();
        return ages[(int)(ages.Count * 0.95)];
    }
}
