using System.Collections.Concurrent;
using System.Text;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using Rollcall.Api;
using Rollcall.Platform;

namespace Rollcall.Testing;

/// <summary>A queue bound to every event exchange: what a service has really published.</summary>
public sealed class EventSink : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, ConcurrentQueue<ITenantEvent>> events = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> seen = new(StringComparer.Ordinal);
    private IConnection? connection;

    /// <param name="keep">False: everything has a queue to go to, which forgets it.</param>
    /// <param name="durable">
    /// As a service listens: its queue outlives the broker's death, what was delivered before is dropped.
    /// </param>
    public async Task StartAsync(string rabbitmq, bool keep = true, bool durable = false)
    {
        connection = await new ConnectionFactory { Uri = new(rabbitmq) }.CreateConnectionAsync();
        var channel = await connection.CreateChannelAsync();
        var limits = keep ? null : new Dictionary<string, object?>(StringComparer.Ordinal) { ["x-max-length"] = 1 };
        var queue = durable
            ? await channel.QueueDeclareAsync("sink", durable: true, exclusive: false, autoDelete: false)
            : await channel.QueueDeclareAsync(arguments: limits);
        foreach (var name in EventNames())
        {
            await channel.ExchangeDeclareAsync(name, ExchangeType.Fanout, durable: true);
            await channel.QueueBindAsync(queue.QueueName, name, "");
        }

        if (!keep)
        {
            return;
        }

        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += async (_, delivery) =>
        {
            if (!durable || seen.TryAdd(delivery.BasicProperties.MessageId!, true))
            {
                var type = Encoding.UTF8.GetString((byte[])delivery.BasicProperties.Headers![EventHeaders.ProtoType]!);
                var message = (ITenantEvent)Contracts.Messages[type].Parser.ParseFrom(delivery.Body.ToArray());
                events.GetOrAdd(message.ClientId, _ => new()).Enqueue(message);
            }

            if (durable)
            {
                await channel.BasicAckAsync(delivery.DeliveryTag, multiple: false);
            }
        };
        await channel.BasicConsumeAsync(queue.QueueName, autoAck: !durable, consumer);
    }

    public List<T> Of<T>()
        where T : ITenantEvent => [.. events.Values.SelectMany(e => e).OfType<T>()];

    /// <summary>Events of the type about the client, in the order of their arrival.</summary>
    public List<T> Of<T>(Guid clientId)
        where T : ITenantEvent =>
        events.TryGetValue(clientId.ToString(), out var ofClient) ? [.. ofClient.OfType<T>()] : [];

    public async ValueTask DisposeAsync()
    {
        if (connection is not null)
        {
            await connection.DisposeAsync();
        }
    }

    private static IEnumerable<string> EventNames() =>
        Contracts.Messages.Values.Where(m => m.ClrType.IsAssignableTo(typeof(ITenantEvent))).Select(m => m.FullName);
}
