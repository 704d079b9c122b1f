using Rollcall.GraphEmulator.Model;
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
        await LookAsync(service, "before");
        lock (tenant.Gate)
        {
            new Churn(tenant, seed: 3).Make(People / 100, removals: false);
        }

        await DeltaAsync(report, "1 % of 100k", service, bare, client, most: People / 10);
        await LookAsync(service, "after");
        report.Say(
            "1 % of 100k: people others see differently",
            await ComparedAsync(service, "a.shown is distinct from b.shown"),
            "people"
        );
        report.Say(
            "1 % of 100k: of these not told",
            await ComparedAsync(service, "a.shown is distinct from b.shown and a.revision = b.revision"),
            "people",
            0
        );
        report.Say(
            "1 % of 100k: people written without need",
            await ComparedAsync(service, "a.shown = b.shown and a.revision <> b.revision"),
            "people",
            0
        );

        // Without groups, which move many people at once; and not the first ones, to whom nearly everybody reports.
        lock (tenant.Gate)
        {
            foreach (
                var user in tenant.Users.Where((u, i) => i % 100 == 0 && u.State == Existence.Active).Take(People / 100)
            )
            {
                tenant.Patch(user, "department", JsonText.Of("Moved"));
            }
        }

        await DeltaAsync(report, "1 % of 100k, people alone", service, bare, client, most: People / 100);
        var least = await BareWriter.WriteAsync(service.Database, client, People / 100);
        report.Say("1 % of 100k, people alone: reading and writing them in the roster, bare", least.TotalSeconds, "s");
        await AgainAsync(report, cloud, service, tenant);
    }

    /// <summary>
    /// The same once more, as another client's: both sides have their code compiled for good by now, as after some hours of
    /// work, which is worth more to the bare reader.
    /// </summary>
    private static async Task AgainAsync(Report report, Cloud cloud, Service service, Tenant tenant)
    {
        using var bare = new BareReader(cloud, service.Database, tenant);
        var bareAgain = await bare.ReadAsync();
        var client = await service.AddClientAsync(tenant.Id);
        var again = await service.SyncAsync(client);
        report.Say("100k once more: bare reader", bareAgain.TotalSeconds, "s");
        report.Say("100k once more: seconds", again.TotalSeconds, "s");
        report.Say("100k once more: ratio to the bare reader", again / bareAgain, "x");
        report.Say("100k once more: resident memory, the most", service.Memory(), "MB", 300);
    }

    private static async Task DeltaAsync(
        Report report,
        string name,
        Service service,
        BareReader bare,
        Guid client,
        int most
    )
    {
        // As autovacuum and the checkpointer do within minutes: else the round writes what the last one left in memory.
        await service.ExecuteAsync("analyze");
        await service.ExecuteAsync("checkpoint");
        var bareDelta = await bare.ReadAsync();
        var written = await WrittenAsync(service);
        var delta = await service.SyncAsync(client);
        report.Say($"{name}: bare reader", bareDelta.TotalSeconds, "s");
        report.Say($"{name}: seconds", delta.TotalSeconds, "s");
        report.Say($"{name}: ratio to the bare reader", delta / bareDelta, "x", 4.0);
        report.Say($"{name}: roster rows written", await WrittenAsync(service) - written, "rows", most);
    }

    /// <summary>What others see of each person, found by a query of our own: with manager, reports and all groups.</summary>
    private static Task LookAsync(Service service, string when) =>
        service.ExecuteAsync(
            $"""
            create table look_{when} as
            with recursive above (object_id, ancestor) as (
              select object_id, object_id from directory_group where not removed
              union
              select a.object_id, m.group_object_id from above a
              join membership m on m.member_object_id = a.ancestor and m.member_type = 2 and m.held_at is null
              join directory_group g on g.object_id = m.group_object_id and not g.removed),
            groups as (
              select m.member_object_id as object_id, string_agg(distinct a.ancestor::text, ' ') as all_groups
              from membership m join above a on a.object_id = m.group_object_id where m.member_type = 1 group by 1),
            reports as (
              select manager_object_id as object_id, count(*) as people from directory_user where state = 1 group by 1)
            select u.user_id, u.revision, md5(row(u.state, u.kind, u.staged, u.escrow_reason, u.display_name, u.mail,
              u.properties, m.user_id, r.people, g.all_groups)::text) as shown
            from directory_user u
            left join directory_user m on m.client_id = u.client_id and m.object_id = u.manager_object_id
            left join reports r on r.object_id = u.object_id
            left join groups g on g.object_id = u.object_id
            """
        );

    private static Task<long> ComparedAsync(Service service, string condition) =>
        service.ScalarAsync<long>(
            $"select count(*) from look_after a left join look_before b on b.user_id = a.user_id where {condition}"
        );

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
