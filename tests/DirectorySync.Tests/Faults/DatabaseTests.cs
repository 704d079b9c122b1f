using Npgsql;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Tests.Model;
using Rollcall.Testing;

namespace Rollcall.DirectorySync.Tests.Faults;

/// <summary>Postgres dies, is restarted, has no space left: nothing is lost, nothing half done, and nobody has to help.</summary>
[Collection(nameof(FaultTests))]
public sealed class DatabaseTests(FaultFixture service)
{
    /// <summary>Of its pages some were staged before the crash, which empties the table, and some after it.</summary>
    [Fact]
    public async Task PostgresKilled_PagesAreLost_RoundStartsAfresh()
    {
        var known = await service.ReadAsync();
        using var world = known.World;
        var (client, pause) = await StagedAsync();
        using var newWorld = client.World;
        var began = service.CountBeginnings(client);
        using (pause)
        {
            known.Change();
            await service.Servers.Postgres.KillAsync();
            await service.Servers.Postgres.StartAsync();
            service.ForgetConnections();
            Assert.Equal(0, await PagesAsync(client));
        }

        // The round goes on and does not know that its beginning is lost, unless it was just writing when the server died.
        await Eventually.HoldsAsync(async () =>
        {
            var health = await service.HealthAsync(client);
            Assert.StartsWith("DATABASE_", health.ErrorCode, StringComparison.Ordinal);
            Assert.Equal(FixOwner.Platform, health.Owner);
        });
        Assert.Equal((null, 0L), await StandsAsync(client));
        await Task.WhenAll(client.DueAsync(), known.DueAsync());

        await FaultFixture.SettledAsync(client);
        await FaultFixture.SettledAsync(known);
        Assert.Equal(0, await PagesAsync(client));
        Assert.NotEqual(0, began.Matched);
        await service.WellAsync(client);
    }

    [Fact]
    public async Task PostgresRestarted_RoundGoesOnBehindItsPages()
    {
        var (client, pause) = await StagedAsync();
        using var world = client.World;
        var began = service.CountBeginnings(client);
        using (pause)
        {
            await service.Servers.Postgres.StopAsync();
            await service.Servers.Postgres.StartAsync();
        }

        await client.DueAsync();
        await FaultFixture.SettledAsync(client);
        Assert.Equal(0, began.Matched);
        await service.WellAsync(client);
    }

    [Fact]
    public async Task DiskFull_NobodyIsRemoved_PlatformIsNamed_AndItGoesOnByItself()
    {
        var client = await service.ReadAsync();
        using var world = client.World;
        await service.RestAsync();
        var before = await client.StandingAsync();
        client.Change();
        for (var i = 0; i < 100; i++)
        {
            client.World.Apply(new(TurnKind.AddUser, 2, i * 5 + 1, 2));
        }

        await service.ExecuteAsync(
            "create table ballast (filler text); alter table ballast alter filler set storage plain"
        );
        try
        {
            using (new Pause(client.World.Tenant.Gate))
            {
                // Its lease still finds room; what it reads will not.
                await client.DueAsync();
                await ClaimedAsync(client);
                await FillDiskAsync();
            }

            await Eventually.HoldsAsync(() => PlatformIsNamedAsync(client));
            var after = await client.StandingAsync();
            Assert.Equal(
                (before.Cursors, before.RosterVersion, before.Content),
                (after.Cursors, after.RosterVersion, after.Content)
            );
        }
        finally
        {
            await service.ExecuteAsync("drop table ballast");
            // So that a recovery after a crash does not need its space again.
            await service.ExecuteAsync("checkpoint");
        }

        // It would go on by itself, at the latest when the lease runs out.
        await client.DueAsync();
        await FaultFixture.SettledAsync(client);
        await service.WellAsync(client);
        Assert.Equal(
            0L,
            await service.ScalarAsync<long>($"select count(*) from staged_removal where client_id = '{client.Id}'")
        );
    }

    private Task ClaimedAsync(CrashClient client) =>
        Eventually.HoldsAsync(async () =>
            Assert.True(
                await service.ScalarAsync<bool>(
                    $"select owner is not null from client_sync where client_id = '{client.Id}'"
                )
            )
        );

    private async Task PlatformIsNamedAsync(CrashClient client)
    {
        // Whatever has become free meanwhile is taken as well.
        await FillDiskAsync();
        var health = await service.HealthAsync(client);
        Assert.Equal(
            ("DATABASE_FULL", FixOwner.Platform, HealthState.Failing),
            (health.ErrorCode, health.Owner, health.State)
        );
        Assert.Contains("no space left", health.Problem, StringComparison.Ordinal);
        Assert.Contains("Clients have nothing to do", health.Remedy, StringComparison.Ordinal);
    }

    /// <summary>A client in its first round, held up between two pages: some lie in the database, some are not read yet.</summary>
    private async Task<(CrashClient Client, Pause Pause)> StagedAsync()
    {
        var client = await service.CreateAsync(people: 40);
        var tenant = client.World.Tenant;
        tenant.Settings = tenant.Settings with { LatencyMs = 100 };
        await client.DueAsync();
        while (true)
        {
            var pause = new Pause(tenant.Gate);
            if (await PagesAsync(client) >= 2)
            {
                return (client, pause);
            }

            pause.Dispose();
            await Task.Delay(50);
        }
    }

    private async Task<int> PagesAsync(CrashClient client) =>
        (int)await service.ScalarAsync<long>($"select count(*) from staged_page where client_id = '{client.Id}'");

    private static async Task<(string? Cursors, long RosterVersion)> StandsAsync(CrashClient client)
    {
        var standing = await client.StandingAsync();
        return (standing.Cursors, standing.RosterVersion);
    }

    /// <summary>To the last page of the database's disk.</summary>
    private async Task FillDiskAsync()
    {
        foreach (var rows in new[] { 2000, 200, 20, 1 })
        {
            await FillAsync(rows);
        }
    }

    private async Task FillAsync(int rows)
    {
        try
        {
            while (true)
            {
                await service.ExecuteAsync(
                    $"insert into ballast select repeat('x', 8000) from generate_series(1, {rows})"
                );
            }
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.DiskFull)
        {
            // Now with less at once.
            return;
        }
    }

    /// <summary>The directory answers nobody meanwhile.</summary>
    private sealed class Pause : IDisposable
    {
        private readonly ManualResetEventSlim over = new();
        private readonly Thread holder;

        public Pause(Lock gate)
        {
            using var held = new ManualResetEventSlim();
            holder = new(() =>
            {
                lock (gate)
                {
                    held.Set();
                    over.Wait();
                }
            });
            holder.Start();
            held.Wait();
        }

        public void Dispose()
        {
            over.Set();
            holder.Join();
            over.Dispose();
        }
    }
}
