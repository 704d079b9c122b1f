using System.Text;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Trail;
using Rollcall.Testing;

namespace Rollcall.DirectorySync.Tests;

public sealed class TrailTests(DirectoryFixture service)
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

    [Fact]
    public async Task Sync_SeveralChangesOfOnePerson_AreOneEvent()
    {
        var client = await service.ConnectedAsync();
        var people = await client.AddPeopleAsync(8);
        var first = await client.SyncedAsync();
        Assert.Equal(
            people.Count,
            (await EventsAsync(client, first)).Count(e => e is { Action: SyncAction.Added, Status: SyncStatus.Done })
        );

        await client.GraphAsync(HttpMethod.Patch, $"users/{people[0]}", new { department = "Sales" });
        await client.GraphAsync(HttpMethod.Post, $"users/{people[0]}/disable");
        var second = await client.SyncedAsync();

        var told = Assert.Single(await EventsAsync(client, second));
        Assert.Equal((SyncAction.Removed, "DISABLED"), (told.Action, told.ReasonCode));
        Assert.Contains(told.Changes, c => c is { Property: "department", NewValue: "Sales" });
    }

    [Fact]
    public async Task Sync_Group_IsToldOnceWithCounts()
    {
        var client = await service.ConnectedAsync();
        var people = await client.AddPeopleAsync(3);
        var group = await client.AddGroupAsync("Staff", people[0], people[1]);
        var first = await client.SyncedAsync();
        var added = Assert.Single(await EventsAsync(client, first), e => e.GroupId.Length > 0);
        Assert.Equal(SyncAction.Added, added.Action);
        Assert.Equal(("membersAdded", "2"), Change(Assert.Single(added.Changes)));

        await client.GraphAsync(HttpMethod.Patch, $"groups/{group}", new { displayName = "Everybody" });
        await client.GraphAsync(HttpMethod.Put, $"groups/{group}/members/{people[2]}");
        await client.GraphAsync(HttpMethod.Delete, $"groups/{group}/members/{people[0]}");
        var second = await client.SyncedAsync();

        var told = Assert.Single(await EventsAsync(client, second));
        Assert.Equal((SyncAction.Changed, added.GroupId), (told.Action, told.GroupId));
        Assert.Equal(
            [("displayName", "Everybody"), ("membersAdded", "1"), ("membersRemoved", "1")],
            told.Changes.Select(Change).Order()
        );

        await client.GraphAsync(HttpMethod.Delete, $"groups/{group}");
        var third = await client.SyncedAsync();
        Assert.Equal(SyncAction.Removed, Assert.Single(await EventsAsync(client, third)).Action);
    }

    [Fact]
    public async Task Sync_ServiceAccount_IsSkippedOnceWithItsReason()
    {
        var client = await service.ConnectedAsync();
        var account = await client.AddPersonAsync("backup", new { userPrincipalName = "svc-backup@x.example" });
        var told = Assert.Single(await EventsAsync(client, await client.SyncedAsync()));
        Assert.Equal((SyncStatus.Skipped, "KIND_SERVICE"), (told.Status, told.ReasonCode));

        await client.GraphAsync(HttpMethod.Patch, $"users/{account}", new { department = "IT" });

        told = Assert.Single(await EventsAsync(client, await client.SyncedAsync()));
        Assert.Equal((SyncStatus.Done, ""), (told.Status, told.ReasonCode));
    }

    [Fact]
    public async Task ListSyncEvents_FiltersAndPages_TellEachEventOnce()
    {
        var client = await service.ConnectedAsync();
        await client.AddPeopleAsync(5);
        await client.AddPersonAsync("nomail", new { mail = "" });
        var run = await client.SyncedAsync();
        await client.AddPeopleAsync(2);
        await client.SyncedAsync();
        var all = await AllAsync(new());
        Assert.Equal(all.Count, all.Select(e => e.Id).Distinct().Count());

        Assert.Equal(6, (await AllAsync(new() { SyncRunId = run.Id })).Count);
        Assert.Equal("nomail", Assert.Single(await AllAsync(new() { ReasonCode = "MAIL_MISSING" })).DisplayName);
        Assert.Single(
            await AllAsync(
                new()
                {
                    SyncRunId = run.Id,
                    Status = SyncStatus.Failed,
                    Action = SyncAction.Added,
                }
            )
        );
        Assert.Single(await AllAsync(new() { UserId = all[0].UserId }));
        var now = service.Clock.GetUtcNow();
        Assert.Empty(await AllAsync(new() { FromTime = now.AddDays(1).ToTimestamp() }));
        Assert.Equal(all, await AllAsync(new() { ToTime = now.AddDays(1).ToTimestamp() }));

        async Task<List<SyncEvent>> AllAsync(ListSyncEventsRequest request)
        {
            List<SyncEvent> found = [];
            (request.ClientId, request.PageSize) = (client.Id, 3);
            do
            {
                var page = await client.Syncs.ListSyncEventsAsync(request);
                Assert.True(page.Events.Count <= 3);
                found.AddRange(page.Events);
                request.PageToken = page.NextPageToken;
            } while (request.PageToken.Length > 0);

            return found;
        }
    }

    [Theory]
    [InlineData("=HYPERLINK(\"http://x.example\")")]
    [InlineData("+1")]
    [InlineData("-1")]
    [InlineData("@SUM(A1)")]
    [InlineData("\t=1")]
    [InlineData("\r=1")]
    public async Task Export_Formula_IsText(string formula)
    {
        var client = await service.ConnectedAsync();
        var person = await client.AddPersonAsync("ada", new { displayName = formula });
        await client.SyncedAsync();
        await client.GraphAsync(HttpMethod.Patch, $"users/{person}", new { department = formula });
        await client.SyncedAsync();

        var (name, text) = await ExportAsync(client, new());

        Assert.EndsWith(".csv", name, StringComparison.Ordinal);
        var quoted = formula.Replace("\"", "\"\"", StringComparison.Ordinal);
        Assert.Contains($"\"'{quoted}\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain($"\"{quoted}\"", text, StringComparison.Ordinal);
        Assert.Contains("\"Fabrikam\"", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Export_MoreThanAPage_HasThemAllAndSaysWhatItIs()
    {
        var client = await service.ConnectedAsync(new { users = 620, seed = 5 });
        var events = await client.DbAsync(db => db.SyncEvents.CountAsync(e => e.Action == SyncAction.Added));

        var (name, text) = await ExportAsync(
            client,
            new() { Format = SyncEventFormat.JsonLines, Action = SyncAction.Added }
        );

        Assert.EndsWith(".jsonl", name, StringComparison.Ordinal);
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.True(events > 620);
        Assert.Equal(events + 1, lines.Length);
        Assert.Contains("\"filter\":\"action Added\"", lines[0], StringComparison.Ordinal);
        Assert.Equal(events, lines[1..].Distinct(StringComparer.Ordinal).Count());
    }

    private static async Task<(string Name, string Text)> ExportAsync(
        TestClient client,
        ExportSyncEventsRequest request
    )
    {
        request.ClientId = client.Id;
        var (name, text) = ("", new MemoryStream());
        using var export = client.Syncs.ExportSyncEvents(request);
        await foreach (var part in export.ResponseStream.ReadAllAsync())
        {
            name += part.FileName;
            part.Chunk.WriteTo(text);
        }

        return (name, Encoding.UTF8.GetString(text.ToArray()));
    }

    private TrailKeeper Keeper => service.Services.GetRequiredService<TrailKeeper>();

    private static DateTimeOffset Day(int year, int month, int day) => new(year, month, day, 12, 0, 0, TimeSpan.Zero);

    private static (string, string) Change(PropertyChange change) => (change.Property, change.NewValue);

    private static async Task<List<SyncEvent>> EventsAsync(TestClient client, SyncRun run) =>
        [.. (await client.Syncs.ListSyncEventsAsync(new() { ClientId = client.Id, SyncRunId = run.Id })).Events];

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
