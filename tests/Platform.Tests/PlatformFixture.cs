using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using MassTransit;
using Microsoft.AspNetCore.Builder;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using RabbitMQ.Client;
using Rollcall.Api.Scope.V1;
using Rollcall.Platform.Tests;
using Rollcall.Testing;

[assembly: AssemblyFixture(typeof(PlatformFixture))]

namespace Rollcall.Platform.Tests;

/// <summary>The sample service on real servers, built as services are built.</summary>
public class PlatformFixture : IAsyncLifetime
{
    public const string Queue = "sample-scope-changed";
    private WebApplication app = null!;

    public string Database { get; } = TestServers.NewDatabase("sample");
    public EventSink Events { get; } = new();
    public Switch Poison { get; } = new();
    public Gate Gate { get; } = new();
    public IServiceProvider Services => app.Services;

    protected virtual string RabbitMq => TestServers.RabbitMq;

    public virtual async ValueTask InitializeAsync()
    {
        await new DatabaseProvisioner(
            TestServers.Postgres,
            TestServers.As(Database, "app"),
            TestServers.As(Database, "worker")
        ).ProvisionAsync<SampleDbContext>(o => new(o), CancellationToken.None);
        await StartEventsAsync();

        var builder = WebApplication.CreateBuilder([
            "--environment=Development",
            "--urls=http://127.0.0.1:0",
            $"--ConnectionStrings:database={TestServers.As(Database, "app")}",
            $"--ConnectionStrings:worker={TestServers.As(Database, "worker")}",
            $"--ConnectionStrings:rabbitmq={RabbitMq}",
        ]);
        builder.AddService<SampleDbContext>("sample", bus => bus.AddConsumer<ScopeChangedConsumer>());
        builder.Services.AddSingleton(Poison);
        builder.Services.AddSingleton(Gate);
        app = builder.Build();
        await app.StartAsync();
        await Services
            .GetRequiredService<IBusControl>()
            .WaitForHealthStatus(BusHealthStatus.Healthy, TimeSpan.FromSeconds(30));
    }

    /// <summary>Runs work as the service's code runs: one scope, one tenant, one transaction, committed at the end.</summary>
    public async Task<T> DbAsync<T>(Tenant tenant, Func<SampleDbContext, Task<T>> work)
    {
        await using var scope = Services.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<TenantContext>().Enter(tenant);
        var db = scope.ServiceProvider.GetRequiredService<SampleDbContext>();
        await using var transaction = await db.BeginAsync(CancellationToken.None);
        var result = await work(db);
        await db.SaveChangesAsync();
        await transaction.CommitAsync();
        return result;
    }

    /// <summary>A connection as one of the database's roles: app or worker.</summary>
    public async Task<NpgsqlConnection> ConnectAsync(string role)
    {
        var connection = new NpgsqlConnection($"{TestServers.As(Database, role)};Pooling=false");
        await connection.OpenAsync();
        return connection;
    }

    public Task<int> CountAsync(Tenant tenant) =>
        DbAsync(tenant, db => db.Tallies.Select(t => t.Count).SingleOrDefaultAsync());

    public Task DeliverAsync(ScopeChanged message, Guid? id = null) =>
        Services
            .GetRequiredService<EventPublisher>()
            .PublishAsync(
                new(
                    0,
                    id ?? Guid.CreateVersion7(),
                    Guid.Parse(message.MspId),
                    Guid.Parse(message.ClientId),
                    ScopeChanged.Descriptor.FullName,
                    message.ToByteArray(),
                    TraceParent: null,
                    Attempts: 0
                ),
                CancellationToken.None
            );

    public static ScopeChanged Event(Tenant tenant, string reason = "") =>
        new()
        {
            MspId = tenant.MspId.ToString(),
            ClientId = tenant.ClientIds![0].ToString(),
            OccurTime = new Timestamp(),
            Decisions =
            {
                new Decision { UserId = $"{Guid.CreateVersion7()}", Reason = reason },
            },
        };

    public static Tenant NewTenant() => Tenant.Client(Guid.CreateVersion7(), Guid.CreateVersion7());

    public static async Task<IChannel> BrokerAsync() =>
        await (
            await new ConnectionFactory { Uri = new(TestServers.RabbitMq) }.CreateConnectionAsync()
        ).CreateChannelAsync();

    protected virtual Task StartEventsAsync() => Events.StartAsync(RabbitMq);

    /// <summary>What is being handled comes to its end; nothing more is taken.</summary>
    public Task StopAsync() => app.StopAsync();

    public virtual async ValueTask DisposeAsync()
    {
        await Events.DisposeAsync();
        await app.StopAsync();
        await app.DisposeAsync();
        await TestServers.DropAsync(Database);
        GC.SuppressFinalize(this);
    }
}
