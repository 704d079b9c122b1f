using Npgsql;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Tests.Model;
using Rollcall.Platform;
using Rollcall.Testing;

namespace Rollcall.DirectorySync.Tests;

/// <summary>
/// The service as a process of its own, killed (SIGKILL) at every point where it matters. Each process that dies hands
/// over to the next one, which dies at the next point with the next client; the last one clears up after all of them.
/// </summary>
public sealed class CrashTests(DirectoryFixture service)
{
    private static readonly string[] Points =
    [
        "after-claim",
        "after-token",
        "after-page",
        "after-page:4",
        "after-spill",
        "after-spill:2",
        "after-read",
        "after-copy",
        "after-upsert",
        "after-upsert:2",
        "after-groups",
        "after-losses",
        "after-outbox",
        "after-cursor",
        "before-commit",
        "before-commit",
        "after-commit",
        "after-commit",
        "after-cache",
        "after-publish",
        "before-fail-commit",
    ];

    [Fact]
    public Task KilledAtAnyPoint_Restarted_RosterIsTheDirectory() =>
        Task.WhenAll(Points.Chunk((Points.Length + 1) / 2).Select(points => new Lane(service, points).RunAsync()));
}

/// <summary>Some of the points, one after the other, on a database of their own.</summary>
internal sealed class Lane(DirectoryFixture service, string[] points)
{
    private readonly string database = TestServers.NewDatabase("directory_sync");

    public async Task RunAsync()
    {
        await using var owner = await ProvisionAsync();
        List<CrashClient> clients = [.. points.Select((point, i) => new CrashClient(service, owner, i, point))];
        try
        {
            await PrepareAsync(clients);
            foreach (var client in clients)
            {
                await KillAsync(client);
            }

            await RecoverAsync(owner, clients);
        }
        finally
        {
            clients.ForEach(c => c.World.Dispose());
            await TestServers.DropAsync(database);
        }
    }

    /// <summary>Those that will die in a delta round are read once before; then all directories change.</summary>
    private async Task PrepareAsync(List<CrashClient> clients)
    {
        foreach (var client in clients)
        {
            await client.CreateAsync();
        }

        List<CrashClient> known = [.. clients.Where(c => c.InDelta)];
        await Task.WhenAll(known.Select(c => c.DueAsync()));
        await using (var process = new ServiceProcess(service, database, crashAt: null))
        {
            foreach (var client in known)
            {
                await SettlesAsync(process, client.RosterIsDirectoryAsync);
            }
        }

        await Task.WhenAll(known.Select(c => c.RestAsync()));
        clients.ForEach(c => c.Change());
    }

    private async Task KillAsync(CrashClient client)
    {
        if (client.Point == "before-fail-commit")
        {
            client.World.Apply(new(TurnKind.Fault, 0, 0, 0));
        }

        var before = await client.StandingAsync();
        await client.DueAsync();
        await using (var process = new ServiceProcess(service, database, client.Point))
        {
            await process.DiesAsync();
        }

        await client.RestAsync();
        client.World.Mend();
        var after = await client.StandingAsync();
        Assert.True(await client.CachedVersionAsync() <= after.CursorVersion, $"{client.Point}: the cache is ahead");
        if (after.Cursors == before.Cursors)
        {
            // Nothing of the round may show, neither data nor version.
            Assert.Equal((client.Point, before.Content), (client.Point, after.Content));
            Assert.Equal(before.RosterVersion, after.RosterVersion);
        }
        else
        {
            await client.RosterIsDirectoryAsync();
        }
    }

    private async Task RecoverAsync(NpgsqlDataSource owner, List<CrashClient> clients)
    {
        await Task.WhenAll(clients.Select(c => c.DueAsync()));
        await using var process = new ServiceProcess(service, database, crashAt: null);
        foreach (var client in clients)
        {
            await SettlesAsync(
                process,
                async () => client.EventsAddUpTo(await client.RosterIsDirectoryAsync()),
                client.Point
            );
        }

        await SettlesAsync(
            process,
            async () =>
            {
                await using var command = owner.CreateCommand("select count(*) from outbox");
                Assert.Equal(0L, await command.ExecuteScalarAsync());
            }
        );
    }

    private async Task<NpgsqlDataSource> ProvisionAsync()
    {
        await new DatabaseProvisioner(
            TestServers.Postgres,
            TestServers.As(database, "app"),
            TestServers.As(database, "worker")
        ).ProvisionAsync<DirectoryDbContext>(o => new(o), default);
        return NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(TestServers.Postgres)
            {
                Database = database,
                MaxPoolSize = 4,
            }.ConnectionString
        );
    }

    private static async Task SettlesAsync(ServiceProcess process, Func<Task> check, string point = "")
    {
        try
        {
            await Eventually.HoldsAsync(check, TimeSpan.FromMinutes(3));
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{point}: {e.Message}\n{process.Output}", e);
        }
    }
}
