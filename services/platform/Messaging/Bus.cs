using Google.Protobuf;
using MassTransit;
using MassTransit.Middleware;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Rollcall.Api;

namespace Rollcall.Platform;

/// <summary>RabbitMQ as every service uses it: quorum queues, raw protobuf, one inbox transaction per message.</summary>
public static class Bus
{
    /// <summary>Set by --migrate: declare exchanges, queues and bindings, consume nothing.</summary>
    public const string DeployOnlySetting = "Bus:DeployOnly";

    public static void AddBus(
        this IServiceCollection services,
        string service,
        IConfiguration configuration,
        Action<IBusRegistrationConfigurator> consumers
    )
    {
        services.AddSingleton<BusQueues>();
        // It would tell its makers what we use.
        services.Configure<UsageTelemetryOptions>(telemetry => telemetry.Enabled = false);
        services.AddMassTransit(bus =>
        {
            bus.SetEndpointNameFormatter(new KebabCaseEndpointNameFormatter(service, includeNamespace: false));
            bus.AddConfigureEndpointsCallback((context, queue, endpoint) => Configure(endpoint, queue, context));
            consumers(bus);
            bus.UsingRabbitMq(
                (context, rabbit) =>
                {
                    rabbit.Host(new Uri(configuration.RequiredConnectionString("rabbitmq")));
                    rabbit.DeployTopologyOnly = configuration.GetValue<bool>(DeployOnlySetting);
                    rabbit.ClearSerialization();
                    rabbit.AddSerializer(new ProtobufSerializer());
                    rabbit.AddDeserializer(new ProtobufSerializer(), isDefault: true);
                    rabbit.MessageTopology.SetEntityNameFormatter(new ProtoNameFormatter());
                    ExcludeInterfaces(rabbit);
                    rabbit.ConfigureEndpoints(context);
                }
            );
        });
    }

    private static void Configure(IReceiveEndpointConfigurator endpoint, string queue, IRegistrationContext context)
    {
        context.GetRequiredService<BusQueues>().Names.Add(queue);
        endpoint.PrefetchCount = 32;
        endpoint.ConcurrentMessageLimit = 8;

        // A Fault<T> is no protobuf message: publishing one would make a poison message spin for ever.
        endpoint.PublishFaults = false;
        ((IRabbitMqReceiveEndpointConfigurator)endpoint).SetQuorumQueue();

        // Outages are sat out here for about 15 minutes, well under the broker's 30-minute limit for an unacknowledged
        // message; then PoisonFilter returns it to the queue and it starts again.
        endpoint.UseMessageRetry(r =>
        {
            r.Exponential(40, TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(1));
            r.Handle<Exception>(TransientErrors.IsTransient);
        });
        endpoint.UseMessageRetry(r =>
        {
            // A second try settles races, such as two messages that insert the same row.
            r.Immediate(2);
            r.Ignore<AppException>();
            r.Ignore<Exception>(TransientErrors.IsTransient);
        });
        endpoint.UseConsumeFilter(typeof(InboxFilter<>), context);
        endpoint.ConfigureError(error =>
        {
            error.UseFilter(ActivatorUtilities.CreateInstance<PoisonFilter>(context));
            error.UseFilter(new ErrorTransportFilter());
        });
    }

    /// <summary>
    /// Otherwise MassTransit declares an exchange for each interface a protobuf class implements. It leaves out those of
    /// the System namespaces by itself, and refuses to be told about them.
    /// </summary>
    private static void ExcludeInterfaces(IRabbitMqBusFactoryConfigurator rabbit)
    {
        var events = typeof(ITenantEvent)
            .Assembly.GetTypes()
            .Where(t => t.IsClass && t.IsAssignableTo(typeof(ITenantEvent)));
        var interfaces = events
            .SelectMany(t => t.GetInterfaces())
            .Where(t => !t.Namespace!.StartsWith("System", StringComparison.Ordinal))
            .Distinct();
        foreach (var type in interfaces)
        {
            rabbit.Publish(type, topology => topology.Exclude = true);
        }
    }

    private sealed class ProtoNameFormatter : IEntityNameFormatter
    {
        public string FormatEntityName<T>() =>
            typeof(T).IsClass && typeof(T).IsAssignableTo(typeof(IMessage))
                ? ((IMessage)Activator.CreateInstance<T>()!).Descriptor.FullName
                : typeof(T).FullName!;
    }
}

/// <summary>The queues this service consumes from, known once the bus is configured.</summary>
public sealed class BusQueues
{
    public ISet<string> Names { get; } = new SortedSet<string>(StringComparer.Ordinal);
}
