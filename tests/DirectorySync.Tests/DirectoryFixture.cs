using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Api;
using Rollcall.DirectorySync.Connections;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Tests;
using Rollcall.Platform;
using Rollcall.Testing;

[assembly: AssemblyFixture(typeof(DirectoryFixture))]

// Most of these tests wait for a process, a timer or a server most of the time.
[assembly: Xunit.v3.Parallelization(MaxThreads = 4)]

namespace Rollcall.DirectorySync.Tests;

/// <summary>The service on real servers, and the Graph emulator as Microsoft's cloud.</summary>
public class DirectoryFixture() : ServiceFixture<ClientApi, DirectoryDbContext>("directory-sync")
{
    private NpgsqlDataSource? owner;

    public Emulator Graph { get; } = new();

    /// <summary>The database as its owner sees it, past every policy.</summary>
    public NpgsqlDataSource Owner =>
        LazyInitializer.EnsureInitialized(
            ref owner,
            () =>
                NpgsqlDataSource.Create(
                    new NpgsqlConnectionStringBuilder(TestServers.Postgres)
                    {
                        Database = DatabaseName,
                        MaxPoolSize = 10,
                        MaxAutoPrepare = 20,
                        NoResetOnClose = true,
                    }.ConnectionString
                )
        );

    protected override IEnumerable<KeyValuePair<string, string?>> Settings =>
        [
            new("Graph:BaseUrl", $"{Graph.Address}v1.0"),
            new("Graph:Authority", Graph.Address.ToString()),
            new("Graph:CaFile", Graph.CaFile),
            new("Graph:ClientId", Emulator.ClientId),
            new("Graph:CertificateFile", Graph.ApplicationFile),
            new("Graph:RetryDelay", "00:00:00.005"),
            new("Graph:WindowBytes", "3000"),
            new("Sync:BatchSize", "3"),
            // Stories fail more often in a row than clients do; PaceTests have circuits of their own.
            new("Graph:BreakAfter", "1000"),
            new("Logging:LogLevel:Default", "Error"),
            new("Consent:RedirectUri", "https://rollcall.example/consent/callback"),
        ];

    /// <summary>The same settings for the service as a process of its own, on another database.</summary>
    public IEnumerable<KeyValuePair<string, string?>> ProcessSettings(string database) =>
        [
            .. Settings,
            new("ASPNETCORE_ENVIRONMENT", "Development"),
            new("ConnectionStrings:database", TestServers.As(database, "app")),
            new("ConnectionStrings:worker", TestServers.As(database, "worker")),
            new("ConnectionStrings:rabbitmq", TestServers.RabbitMq),
            new("ConnectionStrings:redis", TestServers.Redis),
            new("Identity:Issuer", TestTokens.Issuer),
            new("Identity:Authority", "http://localhost:1"),
            new("Kestrel:Endpoints:http:Url", "http://127.0.0.1:0"),
            new("Graph:WindowBytes", "500"),
        ];

    /// <summary>A new MSP with one client whose directory is a new tenant of the emulator; connected and synced once.</summary>
    public async Task<TestClient> ConnectedAsync(object? tenant = null)
    {
        var client = await ClientAsync();
        await client.ConnectAsync(tenant);
        return client;
    }

    /// <summary>A new MSP with one client that nobody has consented for.</summary>
    public async Task<TestClient> ClientAsync()
    {
        var msp = await Client<ClientService.ClientServiceClient>(TestTokens.PlatformAdmin())
            .CreateMspAsync(new() { DisplayName = $"MSP {Guid.CreateVersion7()}" });
        var mspId = Guid.Parse(msp.Msp.Id);
        var client = await Client<ClientService.ClientServiceClient>(TestTokens.MspAdmin(mspId))
            .CreateClientAsync(new() { DisplayName = "Fabrikam" });
        return new(this, mspId, Guid.Parse(client.Client.Id));
    }

    public override async ValueTask DisposeAsync()
    {
        if (owner is not null)
        {
            await owner.DisposeAsync();
        }

        await base.DisposeAsync();
        await Graph.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        base.ConfigureWebHost(builder);
        builder.ConfigureTestServices(services => services.AddSingleton<IClientDirectory, LocalClientDirectory>());
    }
}
