using MassTransit;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Rollcall.Api.Directory.V1;

namespace Rollcall.Platform;

/// <summary>What every service has in common: gRPC with access checks, its database, the bus, the clock, health, telemetry.</summary>
public static class ServiceHost
{
    public const string Audience = "rollcall";

    public static void AddService<TContext>(
        this WebApplicationBuilder builder,
        string name,
        Action<IBusRegistrationConfigurator> consumers
    )
        where TContext : ServiceDbContext
    {
        var services = builder.Services;
        if (builder.Environment.IsDevelopment())
        {
            CrashPoints.Arm(builder.Configuration["ROLLCALL_CRASH_AT"]);
        }

        QuietLogs(builder.Logging);
        services.AddSingleton(new ServiceName(name));
        services.AddSingleton(Clock(builder));
        builder.AddTelemetry(name);
        builder.AddAccess();
        services.AddServiceDatabase<TContext>(builder.Configuration);
        services.AddBus(name, builder.Configuration, consumers);
        services.AddSingleton<EventPublisher>();
        services.AddSingleton<AlarmWriter>();
        services.AddSingleton<OutboxDispatcher>();
        services.AddHostedService(provider => provider.GetRequiredService<OutboxDispatcher>());
        services.AddHostedService<InboxPruner>();
        services.AddHealthChecks().AddCheck<DatabaseHealthCheck>("database", tags: ["ready"]);
        services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(10));
    }

    /// <summary>Token validation, the interceptors that read it, and the service's own token for calls to others.</summary>
    public static void AddAccess(this WebApplicationBuilder builder)
    {
        // A token signed by a new key waits while the keys are read again, instead of being refused once.
        AppContext.SetSwitch("Switch.Microsoft.IdentityModel.UpdateConfigAsBlocking", true);
        var services = builder.Services;
        services.AddGrpc(o =>
        {
            o.Interceptors.Add<ErrorInterceptor>();
            o.Interceptors.Add<AccessInterceptor>();
        });
        services.AddScoped<CallerContext>();
        services.AddScoped<TenantContext>();
        services.AddAuthorization();

        // Nothing here is encrypted with it; left alone, it would write a key under HOME.
        services.AddDataProtection().DisableAutomaticKeyGeneration();
        services
            .AddAuthentication(JwtBearerDefaults.AuthenticationScheme)
            .AddJwtBearer(o =>
            {
                o.MapInboundClaims = false;
                o.Audience = Audience;
                o.RequireHttpsMetadata = !builder.Environment.IsDevelopment();
                o.MetadataAddress = $"{builder.Configuration["Identity:Authority"]}/.well-known/openid-configuration";
                o.TokenValidationParameters.ValidIssuer = builder.Configuration["Identity:Issuer"];
                o.TokenValidationParameters.ClockSkew = TimeSpan.FromSeconds(30);
            });
        services.AddHttpClient("identity");
        services.AddSingleton<ServiceTokens>();
        services.AddServiceClient<ClientService.ClientServiceClient>("directory-sync");
        services.TryAddSingleton<IClientDirectory, RemoteClientDirectory>();
    }

    public static async Task RunServiceAsync<TContext>(this WebApplication app, string[] args)
        where TContext : ServiceDbContext
    {
        if (args.Contains("--migrate"))
        {
            await MigrateAsync<TContext>(app);
            return;
        }

        if (args.Contains("--redrive"))
        {
            var moved = await RedriveAsync(app);
            Console.WriteLine($"{moved} messages put back into their queues");
            return;
        }

        app.UseAuthentication();
        app.UseAuthorization();
        app.MapHealthChecks("/health/live", new() { Predicate = _ => false });
        app.MapHealthChecks("/health/ready", new HealthCheckOptions { Predicate = c => c.Tags.Contains("ready") });
        await app.RunAsync();
    }

    private static void AddServiceDatabase<TContext>(this IServiceCollection services, IConfiguration configuration)
        where TContext : ServiceDbContext
    {
        services.AddSingleton<OutboxSignal>();
        services.AddSingleton(_ => new WorkerDatabase(configuration.RequiredConnectionString("worker")));
        services.AddScoped<TenancyInterceptor>();
        services.AddDbContext<TContext>(
            (provider, options) =>
                options
                    // `dotnet ef migrations add` needs the model, not a server.
                    .UseNpgsql(EF.IsDesignTime ? "Host=none" : configuration.RequiredConnectionString("database"))
                    .UseSnakeCaseNamingConvention()
                    .AddInterceptors(provider.GetRequiredService<TenancyInterceptor>())
        );
        services.AddScoped<ServiceDbContext>(provider => provider.GetRequiredService<TContext>());
    }

    private static async Task MigrateAsync<TContext>(WebApplication app)
        where TContext : ServiceDbContext
    {
        var configuration = app.Configuration;
        await new DatabaseProvisioner(
            configuration.RequiredConnectionString("postgres"),
            configuration.RequiredConnectionString("database"),
            configuration.RequiredConnectionString("worker")
        ).ProvisionAsync<TContext>(
            o => (TContext)Activator.CreateInstance(typeof(TContext), o)!,
            CancellationToken.None
        );

        // Every queue exists before the first event is published, whichever service starts first.
        configuration[Bus.DeployOnlySetting] = "true";
        var bus = app.Services.GetRequiredService<IBusControl>();
        await bus.StartAsync(TimeSpan.FromSeconds(60));
        await bus.StopAsync(TimeSpan.FromSeconds(10));
    }

    private static Task<int> RedriveAsync(WebApplication app)
    {
        // Queues get their names when the bus is configured.
        _ = app.Services.GetRequiredService<IBusControl>();
        var queues = app.Services.GetRequiredService<BusQueues>().Names;
        return Redrive.RunAsync(app.Configuration.RequiredConnectionString("rabbitmq"), queues, CancellationToken.None);
    }

    /// <summary>
    /// A unique violation that a method expects is no error to report, and answers to callers are not ours to log; what
    /// nobody expects is logged once by ErrorInterceptor, with its cause.
    /// </summary>
    private static void QuietLogs(ILoggingBuilder logging) =>
        logging
            .AddSimpleConsole(o => o.SingleLine = true)
            .AddFilter("Microsoft", LogLevel.Warning)
            .AddFilter("Microsoft.EntityFrameworkCore.Update", LogLevel.None)
            .AddFilter("Microsoft.EntityFrameworkCore.Database.Command", LogLevel.None)
            .AddFilter("Grpc", LogLevel.Warning)
            .AddFilter("MassTransit", LogLevel.Warning)
            .AddFilter("OpenIddict", LogLevel.Warning)
            .AddFilter("System.Net.Http", LogLevel.Warning)
            .AddFilter("Yarp", LogLevel.Warning)
            // Whoever asks for health gets the answer; a bus that still connects is no failure to log.
            .AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None);

    private static TimeProvider Clock(WebApplicationBuilder builder) =>
        builder.Environment.IsDevelopment() && builder.Configuration["Clock:OffsetFile"] is { Length: > 0 } file
            ? new DevelopmentClock(file)
            : TimeProvider.System;

    private sealed class DatabaseHealthCheck(WorkerDatabase database) : IHealthCheck
    {
        public async Task<HealthCheckResult> CheckHealthAsync(
            HealthCheckContext context,
            CancellationToken cancellationToken = default
        )
        {
            await using var command = database.Source.CreateCommand("select count(*) from outbox_dead");
            var dead = (long)(await command.ExecuteScalarAsync(cancellationToken))!;
            return dead == 0
                ? HealthCheckResult.Healthy()
                : HealthCheckResult.Degraded($"{dead} events could not be published; see outbox_dead");
        }
    }
}
