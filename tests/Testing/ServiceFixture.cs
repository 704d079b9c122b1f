using Google.Protobuf;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using MassTransit;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Rollcall.Api;
using Rollcall.Platform;
using Xunit;

namespace Rollcall.Testing;

/// <summary>
/// A whole service in this process on a real Postgres database and a real broker virtual host of its own. One per test
/// assembly ([assembly: AssemblyFixture]); tests make their own tenants and so never meet.
/// </summary>
/// <typeparam name="TEntry">Any public class of the service's assembly.</typeparam>
/// <typeparam name="TContext">The service's DbContext; a public constructor taking its options.</typeparam>
public abstract class ServiceFixture<TEntry, TContext>(string service) : WebApplicationFactory<TEntry>, IAsyncLifetime
    where TEntry : class
    where TContext : ServiceDbContext
{
    private readonly string database = TestServers.NewDatabase(service.Replace('-', '_'));
    private GrpcChannel? channel;

    public FakeTimeProvider Clock { get; } = new(new DateTimeOffset(2026, 1, 15, 9, 0, 0, TimeSpan.Zero));
    public TestClientDirectory Clients { get; } = new();

    /// <summary>Events the service has published, as the broker delivered them.</summary>
    public EventSink Events { get; } = new();

    public string DatabaseName => database;

    /// <summary>The servers it runs on: those all tests share, unless a test takes them away.</summary>
    protected virtual string Postgres => TestServers.Postgres;
    protected virtual string RabbitMq => TestServers.RabbitMq;
    protected virtual string Redis => TestServers.Redis;

    public virtual async ValueTask InitializeAsync()
    {
        await new DatabaseProvisioner(Postgres, As("app"), As("worker")).ProvisionAsync<TContext>(
            o => (TContext)Activator.CreateInstance(typeof(TContext), o)!,
            CancellationToken.None
        );

        // Before the service: its dispatcher must find a queue for everything it publishes.
        await StartEventsAsync();
        channel = GrpcChannel.ForAddress("http://localhost", new() { HttpHandler = Server.CreateHandler() });
        await Services
            .GetRequiredService<IBusControl>()
            .WaitForHealthStatus(BusHealthStatus.Healthy, TimeSpan.FromSeconds(30));
    }

    /// <summary>The connection string of one of the service's roles.</summary>
    protected string As(string role) => TestServers.As(database, role, Postgres);

    protected virtual Task StartEventsAsync() => Events.StartAsync(RabbitMq);

    /// <summary>A client that sends the token; a service's token may name the MSP it works for.</summary>
    public TClient Client<TClient>(string? token, Guid? msp = null)
        where TClient : ClientBase<TClient> =>
        (TClient)
            Activator.CreateInstance(typeof(TClient), channel!.Intercept(metadata => Headers(metadata, token, msp)))!;

    /// <summary>Runs work as the service does: one DI scope, one tenant, one transaction, committed at the end.</summary>
    public async Task<T> DbAsync<T>(Tenant tenant, Func<TContext, Task<T>> work)
    {
        await using var scope = Services.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<TenantContext>().Enter(tenant);
        var db = scope.ServiceProvider.GetRequiredService<TContext>();
        await using var transaction = await db.BeginAsync(CancellationToken.None);
        var result = await work(db);
        await db.SaveChangesAsync();
        await transaction.CommitAsync();
        return result;
    }

    /// <summary>Delivers an event over the broker, as its producer's dispatcher would.</summary>
    public Task PublishAsync(ITenantEvent message, Guid? messageId = null) =>
        Services
            .GetRequiredService<EventPublisher>()
            .PublishAsync(
                new(
                    0,
                    messageId ?? Guid.CreateVersion7(),
                    Guid.Parse(message.MspId),
                    Guid.Parse(message.ClientId),
                    message.Descriptor.FullName,
                    message.ToByteArray(),
                    TraceParent: null,
                    Attempts: 0
                ),
                CancellationToken.None
            );

    public override async ValueTask DisposeAsync()
    {
        await Events.DisposeAsync();
        channel?.Dispose();
        await base.DisposeAsync();
        await TestServers.DropAsync(database, Postgres);
        GC.SuppressFinalize(this);
    }

    /// <summary>More settings of the service under test.</summary>
    protected virtual IEnumerable<KeyValuePair<string, string?>> Settings => [];

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        builder.UseEnvironment("Development");
        builder.UseSetting("ConnectionStrings:database", As("app"));
        builder.UseSetting("ConnectionStrings:worker", As("worker"));
        builder.UseSetting("ConnectionStrings:rabbitmq", RabbitMq);
        builder.UseSetting("ConnectionStrings:redis", Redis);
        builder.UseSetting("Identity:Issuer", TestTokens.Issuer);
        builder.UseSetting("Identity:Authority", "http://localhost:1");
        foreach (var (key, value) in Settings)
        {
            builder.UseSetting(key, value);
        }

        builder.ConfigureTestServices(services =>
        {
            services.AddSingleton<TimeProvider>(Clock);
            services.AddSingleton<IClientDirectory>(Clients);
            services.PostConfigure<JwtBearerOptions>(
                JwtBearerDefaults.AuthenticationScheme,
                o =>
                {
                    o.Configuration = new() { Issuer = TestTokens.Issuer };
                    o.TokenValidationParameters.IssuerSigningKey = TestTokens.Key;
                    o.TimeProvider = TimeProvider.System;
                }
            );
        });
    }

    private static Metadata Headers(Metadata metadata, string? token, Guid? msp)
    {
        if (token is not null)
        {
            metadata.Add("authorization", $"Bearer {token}");
        }

        if (msp is { } id)
        {
            metadata.Add(AccessInterceptor.MspHeader, id.ToString());
        }

        return metadata;
    }
}
