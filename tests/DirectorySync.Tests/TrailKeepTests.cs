using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Sync;
using Rollcall.DirectorySync.Tests.Model;
using Rollcall.DirectorySync.Trail;
using Rollcall.Testing;

namespace Rollcall.DirectorySync.Tests;

/// <summary>What of the trail is kept, and for how long.</summary>
public sealed class TrailKeepTests(DirectoryFixture service)
{
    [Fact]
    public async Task Keep_MonthsPastRetention_GoAsAWhole_OthersStay()
    {
        var client = await service.ClientAsync();
        DateTimeOffset[] days = [Day(2020, 1, 31), Day(2020, 2, 1), Day(2021, 1, 10)];
        foreach (var day in days)
        {
            await AddEventAsync(client, day);
        }

        await KeepAsync(Day(2020, 2, 2));
        Assert.Equal(days, await DaysAsync(client));
        await KeepAsync(Day(2021, 3, 1));

        Assert.Equal(days[1..], await DaysAsync(client));
        var partitions = await PartitionsAsync();
        Assert.DoesNotContain("sync_event_202001", partitions);
        Assert.Contains("sync_event_202105", partitions);
        Assert.Equal(
            0L,
            await AsAdminAsync("select count(*) from sync_event_default where occurred_at < '2026-01-01'")
        );
    }

    [Fact]
    public async Task Keep_PreviewPastItsDays_IsForgotten()
    {
        var client = await service.ClientAsync();
        await AddPreviewAsync(client, Day(2019, 3, 1));
        await AddPreviewAsync(client, Day(2019, 3, 9));

        await KeepAsync(Day(2019, 3, 10));

        var kept = await client.DbAsync(db => db.SyncPreviews.Select(e => e.OccurredAt).ToListAsync());
        Assert.Equal([Day(2019, 3, 9)], kept);
    }

    /// <summary>They may hold people outside the import scope; a round that comes back to them begins afresh.</summary>
    [Fact]
    public async Task Keep_PagesOfARoundInLastingTrouble_AreForgotten()
    {
        using var world = Directory();
        using var other = Directory();
        var (old, young) = (await WithPagesAsync(world), await WithPagesAsync(other));
        await old.ExecuteAsync(
            """
            update staged_page set created_at = now() - interval '73 hours'
            where client_id = $1 and page = (select min(page) from staged_page where client_id = $1)
            """
        );
        await young.ExecuteAsync(
            "update staged_page set created_at = now() - interval '71 hours' where client_id = $1"
        );

        await KeepAsync(service.Clock.GetUtcNow());

        Assert.Empty(await old.PagesAsync());
        Assert.False((await old.ClaimAsync()).HasPages);
        Assert.NotEmpty(await young.PagesAsync());
        Assert.True((await young.ClaimAsync()).HasPages);
        await old.SettleAsync();
        new RosterCheck(world.Tenant, await old.RosterAsync()).IsTheDirectory();
    }

    /// <summary>Their pages stay while a worker holds the lease; whose lease ran out has lost it with them.</summary>
    [Fact]
    public async Task Keep_OldPagesOfARoundUnderWay_StayUntilItsLeaseRunsOut()
    {
        using var world = Directory();
        var client = await WithPagesAsync(world);
        await client.ExecuteAsync(
            "update client_sync set owner = 'other:1', next_at = now() + interval '1 minute' where client_id = $1"
        );
        await client.ExecuteAsync("update staged_page set created_at = now() - interval '9 days' where client_id = $1");
        var lease = await client.ClaimAsync();

        await KeepAsync(service.Clock.GetUtcNow());
        Assert.NotEmpty(await client.PagesAsync());
        await client.ExecuteAsync("update client_sync set next_at = now() - interval '1 second' where client_id = $1");
        await KeepAsync(service.Clock.GetUtcNow());

        Assert.Empty(await client.PagesAsync());
        await Assert.ThrowsAsync<LeaseLostException>(() =>
            service.Services.GetRequiredService<SyncRunner>().RunAsync(lease, default)
        );
        Assert.Empty(await client.PagesAsync());
        await client.SettleAsync();
    }

    [Fact]
    public async Task Migrate_TrailOfAPlainTable_IsKept()
    {
        var database = TestServers.NewDatabase("trail_before");
        var admin = new NpgsqlConnectionStringBuilder(TestServers.Postgres) { Pooling = false };
        await using (var server = NpgsqlDataSource.Create(admin.ConnectionString))
        await using (var create = server.CreateCommand($"create database {database}"))
        {
            await create.ExecuteNonQueryAsync();
        }

        admin.Database = database;
        try
        {
            await using var db = new DirectoryDbContext(
                new DbContextOptionsBuilder<DirectoryDbContext>()
                    .UseNpgsql(admin.ConnectionString)
                    .UseSnakeCaseNamingConvention()
                    .Options
            );
            var migrator = db.GetService<IMigrator>();
            await migrator.MigrateAsync("Initial");
            await db.Database.ExecuteSqlAsync(
                $$"""
                insert into sync_event (id, msp_id, client_id, run_id, occurred_at, action, display_name, changes, reason_code)
                select gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(),
                  '2026-01-01'::timestamptz + n * interval '1 day', 2, 'Ada', '[{"p": "department"}]', n::text
                from generate_series(1, 100) n
                """
            );

            await migrator.MigrateAsync();

            var events = await db.SyncEvents.AsNoTracking().ToListAsync();
            Assert.Equal(100, events.Select(e => e.ReasonCode).Distinct().Count());
            Assert.All(events, e => Assert.Equal((SyncStatus.Done, "Ada"), (e.Status, e.DisplayName)));
            Assert.All(events, e => Assert.Contains("department", e.Changes, StringComparison.Ordinal));
        }
        finally
        {
            await TestServers.DropAsync(database);
        }
    }

    [Fact]
    public async Task Keep_SecondWorkerSameDay_DoesNothing()
    {
        await KeepAsync(service.Clock.GetUtcNow());

        Assert.Null(await Keeper.RunIfDueAsync(service.Clock.GetUtcNow(), CancellationToken.None));
    }

    [Fact]
    public async Task Trail_NewMonth_ShowsNobodyElsesRows()
    {
        var (mine, other) = (await service.ClientAsync(), await service.ClientAsync());
        await AddEventAsync(mine, Day(2022, 5, 5));
        await AddEventAsync(other, Day(2022, 5, 5));
        await KeepAsync(Day(2022, 5, 6));

        Assert.Single(await DaysAsync(mine));
        await Catalogue.AssertLockedAsync(service.DatabaseName);
        await using var app = NpgsqlDataSource.Create(TestServers.As(service.DatabaseName, "app"));
        await using var partition = app.CreateCommand("select count(*) from sync_event_202205");
        var refused = await Assert.ThrowsAsync<PostgresException>(() => partition.ExecuteScalarAsync());
        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, refused.SqlState);
        await using var keep = app.CreateCommand("select keep_sync_trail(now(), 1, 1)");
        refused = await Assert.ThrowsAsync<PostgresException>(() => keep.ExecuteScalarAsync());
        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, refused.SqlState);
        await using var untold = app.CreateCommand("select count(*) from sync_event");
        Assert.Equal(0L, await untold.ExecuteScalarAsync());
    }

    private World Directory() => new(service.Graph, new(1, Users: 30, Groups: 2, new() { PageSize = 1 }, []));

    /// <summary>A client whose first round broke off when some pages lay in the database.</summary>
    private async Task<StoryClient> WithPagesAsync(World world)
    {
        var client = new StoryClient(service, world.Tenant.Id);
        await client.CreateAsync();
        await client.SyncAsync(new Death("after-spill", 2));
        Assert.NotEmpty(await client.PagesAsync());
        return client;
    }

    private TrailKeeper Keeper => service.Services.GetRequiredService<TrailKeeper>();

    private static DateTimeOffset Day(int year, int month, int day) => new(year, month, day, 12, 0, 0, TimeSpan.Zero);

    /// <summary>The daily job for a date; another test's transaction may be in its way for a moment.</summary>
    private Task KeepAsync(DateTimeOffset asOf) =>
        Eventually.HoldsAsync(async () =>
        {
            await AsAdminAsync("update housekeeping set next_at = now()");
            Assert.NotNull(await Keeper.RunIfDueAsync(asOf, CancellationToken.None));
        });

    private static Task<int> AddEventAsync(TestClient client, DateTimeOffset at) =>
        client.DbAsync(db =>
            db.Database.ExecuteSqlAsync(
                $"""
                insert into sync_event (id, msp_id, client_id, run_id, occurred_at, action, status, display_name, reason_code)
                values (gen_random_uuid(), {client.MspId}, {Guid.Parse(
                    client.Id
                )}, gen_random_uuid(), {at}, 2, 1, 'Ada', '')
                """
            )
        );

    private static Task<int> AddPreviewAsync(TestClient client, DateTimeOffset at) =>
        client.DbAsync(db =>
            db.Database.ExecuteSqlAsync(
                $"""
                insert into sync_preview (id, msp_id, client_id, run_id, occurred_at, action, status, display_name, reason_code)
                values (gen_random_uuid(), {client.MspId}, {Guid.Parse(
                    client.Id
                )}, gen_random_uuid(), {at}, 2, 1, 'Ada', '')
                """
            )
        );

    private static Task<List<DateTimeOffset>> DaysAsync(TestClient client) =>
        client.DbAsync(db => db.SyncEvents.Select(e => e.OccurredAt).Order().ToListAsync());

    private async Task<List<string>> PartitionsAsync() =>
        [
            .. (
                (string)(await AsAdminAsync("select string_agg(relname, ' ') from pg_class where relispartition"))!
            ).Split(' '),
        ];

    private async Task<object?> AsAdminAsync(string sql)
    {
        var admin = new NpgsqlConnectionStringBuilder(TestServers.Postgres)
        {
            Database = service.DatabaseName,
            Pooling = false,
        };
        await using var source = NpgsqlDataSource.Create(admin.ConnectionString);
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync();
    }
}
