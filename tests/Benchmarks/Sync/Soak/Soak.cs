using Rollcall.GraphEmulator.Faults;
using Rollcall.GraphEmulator.Model;
using Rollcall.GraphEmulator.Seeding;

namespace Rollcall.Benchmarks.Sync.Soak;

/// <summary>
/// 200 clients for half an hour: people join, move and leave all the time, Graph throttles and fails now and then, and
/// notifications come through edge. What the process holds must not grow, and in the end every roster is its directory.
/// </summary>
public static class SoakRow
{
    private const int Clients = 200;
    private static readonly TimeSpan SampleEvery = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ChangeEvery = TimeSpan.FromMilliseconds(200);

    public static async Task RunAsync(Report report)
    {
        await using var cloud = new Cloud();
        await using var edge = new EdgeProcess();
        await using var heap = await HeapMeter.StartAsync();
        var settings = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["Hints__PublicUrl"] = edge.Http,
            ["Identity__Authority"] = edge.Http,
            ["Kestrel__Endpoints__grpc__Url"] = edge.DirectorySyncGrpc,
            ["Kestrel__Endpoints__grpc__Protocols"] = "Http2",
            // Small enough for rounds to go through the database.
            ["Graph__WindowBytes"] = "10000",
            ["Logging__LogLevel__Default"] = "Error",
        };
        heap.Configure(settings);
        await using var service = await Service.CreateAsync(cloud, settings);
        await edge.StartAsync();
        service.Start();
        var clients = await ConnectAsync(cloud, service);
        await using var probe = await SoakProbe.StartAsync(service, heap);
        Fail(cloud);

        var samples = await ChurnAsync(clients, probe, report.SoakLength);

        SoakTrend.Report(report, samples, Clients);
        cloud.Mend();
        await SettleAsync(service);
        report.Say("soak: rosters that are not their directory", await DifferingAsync(service, clients), "rosters", 0);
        report.Say("soak: events and messages left over", await probe.LeftAsync(), "events", 0);
        report.Say("soak: events of the whole time", probe.Events, "events");
        report.Say("soak: rounds of the whole time", await service.ScalarAsync<long>(Rounds), "rounds");
    }

    private static async Task<List<(Tenant Tenant, Guid Client)>> ConnectAsync(Cloud cloud, Service service)
    {
        List<(Tenant Tenant, Guid Client)> clients = [];
        for (var i = 0; i < Clients; i++)
        {
            var tenant = cloud.Add(
                users: 60,
                groups: 8,
                links: 120,
                new()
                {
                    LatencyMs = 20,
                    Throttling = false,
                    PageSize = 20,
                    LinksPerPage = 30,
                },
                ["User.Read.All", "GroupMember.Read.All", "Group.Read.All"]
            );
            var client = await service.AddClientAsync(tenant.Id);
            await Notifications.SubscribeAsync(service, client);
            clients.Add((tenant, client));
        }

        await service.ExecuteAsync("update client_sync set every = interval '1 minute', next_at = now()");
        return clients;
    }

    /// <summary>Ordinary bad days: about one call in forty goes wrong.</summary>
    private static void Fail(Cloud cloud) =>
        cloud.Fail(
            new()
            {
                Kind = FaultKind.Throttle,
                Probability = 0.01,
                RetryAfter = Seconds(3),
            },
            new()
            {
                Kind = FaultKind.Status,
                Status = 503,
                Probability = 0.005,
            },
            new() { Kind = FaultKind.Truncate, Probability = 0.003 },
            new() { Kind = FaultKind.Reset, Probability = 0.003 },
            new()
            {
                Kind = FaultKind.Slow,
                DelayMs = 2000,
                Probability = 0.003,
            },
            new() { Kind = FaultKind.ExpiredToken, Probability = 0.001 }
        );

    /// <summary>Changes somebody somewhere all the time, and looks at the process now and then.</summary>
    private static async Task<List<SoakSample>> ChurnAsync(
        List<(Tenant Tenant, Guid Client)> clients,
        SoakProbe probe,
        TimeSpan length
    )
    {
        var random = new Random(1);
        List<Churn> churns = [.. clients.Select((c, i) => new Churn(c.Tenant, i))];
        List<SoakSample> samples = [];
        var start = TimeProvider.System.GetTimestamp();
        using var timer = new PeriodicTimer(ChangeEvery);
        while (TimeProvider.System.GetElapsedTime(start) is var elapsed && elapsed < length)
        {
            var i = random.Next(clients.Count);
            lock (clients[i].Tenant.Gate)
            {
                churns[i].Make(1, removals: true);
            }

            if (elapsed >= SampleEvery * samples.Count)
            {
                samples.Add(await probe.SampleAsync(elapsed));
                Console.Error.WriteLine(samples[^1]);
            }

            await timer.WaitForNextTickAsync();
        }

        return samples;
    }

    /// <summary>Everybody is read once more, without faults.</summary>
    private static async Task SettleAsync(Service service)
    {
        await service.ExecuteAsync("update client_sync set next_at = now(), claimed_at = now() where owner is null");
        var start = TimeProvider.System.GetUtcNow().AddSeconds(5);
        await Testing.Eventually.HoldsAsync(
            async () =>
            {
                var late = $"select count(*) from client_sync where last_success_at < '{start:O}' or failures > 0";
                Assert.Equal(0, await service.ScalarAsync<long>(late));
            },
            TimeSpan.FromMinutes(5)
        );
    }

    /// <summary>Whoever the brake holds may be gone, disabled or there again; everybody else is as in the directory.</summary>
    private static async Task<int> DifferingAsync(Service service, List<(Tenant Tenant, Guid Client)> clients)
    {
        var differing = 0;
        foreach (var (tenant, client) in clients)
        {
            var people = $"from directory_user where client_id = '{client}' and state in (1, 2)";
            var settled = await IdsAsync(service, $"{people} and not staged");
            var staged = await IdsAsync(service, $"{people} and staged");
            lock (tenant.Gate)
            {
                var living = tenant.Users.Where(u => u.State == Existence.Active).Select(u => u.Id).ToHashSet();
                var same = living.IsSupersetOf(settled) && living.IsSubsetOf([.. settled, .. staged]);
                differing += same ? 0 : 1;
                Console.Error.Write(
                    same
                        ? ""
                        : $"{client}: too many {string.Join(' ', settled.Except(living))}, missing {string.Join(' ', living.Except(settled).Except(staged))}\n"
                );
            }
        }

        return differing;
    }

    private static Task<Guid[]> IdsAsync(Service service, string people) =>
        service.ScalarAsync<Guid[]>($"select coalesce(array_agg(object_id), array[]::uuid[]) {people}");

    private static System.Text.Json.JsonElement Seconds(int value) =>
        System.Text.Json.JsonSerializer.SerializeToElement(value);

    private const string Rounds = "select sum(cursor_version)::bigint from client_sync";
}
