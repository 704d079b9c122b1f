using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Tests.Model;
using Rollcall.GraphEmulator.Faults;
using Rollcall.Testing;
using StackExchange.Redis;

namespace Rollcall.DirectorySync.Tests.Faults;

/// <summary>Tests that take servers away, one after the other.</summary>
[CollectionDefinition(nameof(FaultTests))]
public sealed class FaultTests : ICollectionFixture<FaultFixture>;

/// <summary>The service on servers of its own, and on a disk that can be full. It is started without Redis.</summary>
public sealed class FaultFixture : DirectoryFixture
{
    private const int DiskMegabytes = 96;
    private int clients;

    /// <summary>A minute under ./test --long.</summary>
    public static TimeSpan Outage { get; } =
        TimeSpan.FromSeconds(Environment.GetEnvironmentVariable("ROLLCALL_LONG") == "1" ? 60 : 3);

    public OwnServers Servers { get; private set; } = null!;

    /// <summary>As the database's owner sees it: all tenants. Without a pool, whose connections would die with the server.</summary>
    public NpgsqlDataSource Database { get; private set; } = null!;

    /// <summary>Was read before there was a Redis.</summary>
    public CrashClient First { get; private set; } = null!;

    protected override string Postgres => Servers.PostgresAddress;
    protected override string RabbitMq => Servers.RabbitMqAddress;
    protected override string Redis => Servers.RedisAddress;

    protected override IEnumerable<KeyValuePair<string, string?>> Settings =>
        [
            .. base.Settings,
            new("Graph:WindowBytes", "500"),
            // A directory that is paused for as long as a server takes to start has not failed.
            new("Graph:CallTimeout", "00:10:00"),
        ];

    public override async ValueTask InitializeAsync()
    {
        Servers = await OwnServers.CreateAsync(DiskMegabytes);
        await Task.WhenAll(StartPostgresAsync(), Servers.StartRabbitMqAsync());
        await base.InitializeAsync();
        Database = NpgsqlDataSource.Create($"{Postgres};Database={DatabaseName};Pooling=false");
        First = await ReadAsync();
        await Servers.Redis.StartAsync();
    }

    /// <summary>A client whose directory has been read once.</summary>
    public async Task<CrashClient> ReadAsync(int people = 8)
    {
        var client = await CreateAsync(people);
        await client.DueAsync();
        await SettledAsync(client);
        return client;
    }

    /// <summary>A client that is not due yet.</summary>
    public async Task<CrashClient> CreateAsync(int people = 8)
    {
        var client = new CrashClient(this, Database, Interlocked.Increment(ref clients), "", people);
        await client.CreateAsync();
        return client;
    }

    /// <summary>Nobody is due any more, and nobody is being read. Leases that a fault has left behind run out.</summary>
    public async Task RestAsync()
    {
        await ExecuteAsync("update client_sync set disabled = true");
        await Eventually.HoldsAsync(
            async () =>
                Assert.Equal(
                    0L,
                    await ScalarAsync<long>(
                        "select count(*) from client_sync where owner is not null and next_at > now()"
                    )
                ),
            TimeSpan.FromMinutes(2)
        );
    }

    /// <summary>The roster is the directory, and what was published adds up to it.</summary>
    public static Task SettledAsync(CrashClient client) =>
        Eventually.HoldsAsync(
            async () => client.EventsAddUpTo(await client.RosterIsDirectoryAsync()),
            TimeSpan.FromMinutes(2)
        );

    public async Task<SyncHealth> HealthAsync(CrashClient client)
    {
        var api = Client<SyncService.SyncServiceClient>(TestTokens.MspAdmin(client.MspId));
        var deadline = TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(10);
        return (await api.GetSyncHealthAsync(new() { ClientId = client.Id.ToString() }, deadline: deadline)).Health;
    }

    /// <summary>Reading works; what the roster holds back is the directory's doing.</summary>
    public Task WellAsync(CrashClient client) =>
        Eventually.HoldsAsync(async () =>
        {
            var health = await HealthAsync(client);
            Assert.True(health.State is HealthState.Healthy or HealthState.Degraded, $"{health}");
            Assert.NotEqual(FixOwner.Platform, health.Owner);
        });

    /// <summary>The pool's connections to a server that died are dead; each would fail once.</summary>
    public void ForgetConnections()
    {
        using var connection = new NpgsqlConnection(As("app"));
        NpgsqlConnection.ClearPool(connection);
    }

    /// <summary>Counts rounds that begin with everybody: their first call names properties instead of a token.</summary>
    public FaultRule CountBeginnings(CrashClient client)
    {
        var count = new FaultRule
        {
            Kind = FaultKind.Delay,
            Tenant = client.World.Tenant.Id,
            Path = "/v1.0/users/delta*?*select=*",
        };
        Graph.Services.GetRequiredService<FaultSchedule>().Add([count]);
        return count;
    }

    public async Task<T> ScalarAsync<T>(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    public async Task ExecuteAsync(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    public async Task<ConnectionMultiplexer> RedisAsync() =>
        await ConnectionMultiplexer.ConnectAsync($"{Redis},allowAdmin=true");

    public override async ValueTask DisposeAsync()
    {
        First?.World.Dispose();
        try
        {
            await base.DisposeAsync();
        }
        finally
        {
            await (Database?.DisposeAsync() ?? ValueTask.CompletedTask);
            await Servers.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }

    protected override Task StartEventsAsync() => Events.StartAsync(RabbitMq, durable: true);

    private async Task StartPostgresAsync()
    {
        await Servers.StartPostgresAsync();
        await using var server = NpgsqlDataSource.Create($"{Postgres};Pooling=false");
        await using var make = server.CreateCommand($"create tablespace small location '{SmallDisk.Path}'");
        await make.ExecuteNonQueryAsync();
        // Every database made from now on lies there; the log does not.
        await using var use = server.CreateCommand("alter database template1 set tablespace small");
        await use.ExecuteNonQueryAsync();
    }
}
