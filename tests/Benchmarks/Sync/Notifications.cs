using System.Diagnostics;
using Rollcall.Api.Directory.V1;
using Rollcall.GraphEmulator.Model;
using Rollcall.Testing;

namespace Rollcall.Benchmarks.Sync;

/// <summary>
/// From a change in the directory to its event on the bus, through notification, edge and sync. Nobody polls for a day,
/// so only the notification explains it. Changes hit clients at random: some come within the pause after another.
/// </summary>
public static class Notifications
{
    private const int Clients = 20;
    private const int Changes = 200;
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(150);

    public static async Task RunAsync(Report report)
    {
        await using var cloud = new Cloud();
        await using var edge = new EdgeProcess();
        await using var service = await Service.CreateAsync(
            cloud,
            new(StringComparer.Ordinal)
            {
                ["Hints__PublicUrl"] = edge.Http,
                ["Identity__Authority"] = edge.Http,
                ["Kestrel__Endpoints__grpc__Url"] = edge.DirectorySyncGrpc,
                ["Kestrel__Endpoints__grpc__Protocols"] = "Http2",
            }
        );
        await edge.StartAsync();
        service.Start();
        await service.WarmUpAsync();
        List<(Tenant Tenant, Guid Client)> clients = [];
        for (var i = 0; i < Clients; i++)
        {
            var tenant = cloud.Add(
                200,
                groups: 40,
                links: 400,
                permissions: ["User.Read.All", "GroupMember.Read.All", "Group.Read.All"]
            );
            var client = await service.AddClientAsync(tenant.Id);
            await service.SyncAsync(client);
            await SubscribeAsync(service, client);
            clients.Add((tenant, client));
        }

        await Eventually.HoldsAsync(
            async () => Assert.Equal(2 * Clients, await service.ScalarAsync<long>(Subscribed)),
            TimeSpan.FromMinutes(2)
        );
        await MeasureAsync(report, "person", cloud, clients, (t, i) => $"users/{At(t.Users, i)}");
        await MeasureAsync(report, "group", cloud, clients, (t, i) => $"groups/{At(t.Groups, i)}");
    }

    private static async Task MeasureAsync(
        Report report,
        string what,
        Cloud cloud,
        List<(Tenant Tenant, Guid Client)> clients,
        Func<Tenant, int, string> path
    )
    {
        // What the subscriptions brought is over.
        await Task.Delay(TimeSpan.FromSeconds(5));
        await using var bus = new EventSink();
        await bus.StartAsync(TestServers.RabbitMq);
        var waiting = new List<Task<TimeSpan>>();
        for (var i = 0; i < Changes; i++)
        {
            var (tenant, client) = clients[Random.Shared.Next(clients.Count)];
            waiting.Add(ChangeAsync(cloud, bus, tenant, client, path(tenant, i), $"{what} {i}"));
            await Task.Delay(Between);
        }

        var took = (await Task.WhenAll(waiting)).Order().ToList();
        report.Say($"{what}: change to event p50", took[Changes / 2].TotalSeconds, "s");
        report.Say($"{what}: change to event p99", took[(int)(Changes * 0.99)].TotalSeconds, "s", 3);
        report.Say($"{what}: change to event, slowest of {Changes}", took[^1].TotalSeconds, "s");
    }

    /// <summary>Gives the object a name of its own and waits for the event that has it.</summary>
    private static async Task<TimeSpan> ChangeAsync(
        Cloud cloud,
        EventSink bus,
        Tenant tenant,
        Guid client,
        string path,
        string name
    )
    {
        var watch = Stopwatch.StartNew();
        await cloud.Emulator.SendAsync(HttpMethod.Patch, $"tenants/{tenant.Id}/{path}", new { displayName = name });
        while (!bus.Of<RosterChanged>(client).Exists(e => Has(e, name)))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10));
            if (watch.Elapsed > TimeSpan.FromMinutes(2))
            {
                throw new InvalidOperationException($"No event of {name} within two minutes.");
            }
        }

        return watch.Elapsed;
    }

    private static bool Has(RosterChanged e, string name) =>
        e.Users.Any(u => u.DisplayName == name) || e.Groups.Any(g => g.DisplayName == name);

    /// <summary>As consent does; the keeper does the rest.</summary>
    public static Task SubscribeAsync(Service service, Guid client) =>
        service.ExecuteAsync(
            $"""
            insert into graph_subscription (msp_id, client_id, resource, directory_tenant_id, wanted, fence, failures, problem)
            select msp_id, client_id, r, directory_tenant_id, true, 0, 0, '' from client_sync, unnest(array['users', 'groups']) r
            where client_id = '{client}'
            """
        );

    private const string Subscribed = "select count(*) from graph_subscription where expires_at is not null";

    /// <summary>Another one for each change: two changes of one object may become one event.</summary>
    private static Guid At<T>(List<T> objects, int number)
        where T : DirectoryObject
    {
        var living = objects.FindAll(o => o.State == Existence.Active);
        return living[number % living.Count].Id;
    }
}
