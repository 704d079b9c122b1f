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
    private IConnection? connection;

    /// <param name="keep">False: everything has a queue to go to, which forgets it.</param>
    public async Task StartAsync(string rabbitmq, bool keep = true)
    {
        connection = await new ConnectionFactory { Uri = new(rabbitmq) }.CreateConnectionAsync();
        var channel = await connection.CreateChannelAsync();
        var limits = keep ? null : new Dictionary<string, object?>(StringComparer.Ordinal) { ["x-max-length"] = 1 };
        var queue = await channel.QueueDeclareAsync(arguments: limits);
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
        consumer.ReceivedAsync += (_, delivery) =>
        {
            var type = Encoding.UTF8.GetString((byte[])delivery.BasicProperties.Headers![EventHeaders.ProtoType]!);
            var message = (ITenantEvent)Contracts.Messages[type].Parser.ParseFrom(delivery.Body.ToArray());
            events.GetOrAdd(message.ClientId, _ => new()).Enqueue(message);
            return Task.CompletedTask;
        };
        await channel.BasicConsumeAsync(queue.QueueName, autoAck: true, consumer);
    }

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
