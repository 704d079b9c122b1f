using RabbitMQ.Client;

namespace Rollcall.Platform;

/// <summary>Puts the messages of a service's _error queues back into their queues, once the cause is mended.</summary>
public static class Redrive
{
    /// <returns>The number of messages moved.</returns>
    public static async Task<int> RunAsync(string rabbitmq, IEnumerable<string> queues, CancellationToken ct)
    {
        var factory = new ConnectionFactory { Uri = new(rabbitmq) };
        await using var connection = await factory.CreateConnectionAsync(ct);
        await using var channel = await connection.CreateChannelAsync(
            new(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true),
            ct
        );
        var moved = 0;
        foreach (var queue in queues)
        {
            moved += await RunAsync(channel, queue, ct);
        }

        return moved;
    }

    private static async Task<int> RunAsync(IChannel channel, string queue, CancellationToken ct)
    {
        var waiting = await CountAsync(channel, $"{queue}_error", ct);
        var moved = 0;

        // Only what was there at the start: a message that fails again comes back while we work.
        for (
            ;
            moved < waiting && await channel.BasicGetAsync($"{queue}_error", autoAck: false, ct) is { } message;
            moved++
        )
        {
            var headers = message.BasicProperties.Headers?.Where(h =>
                !h.Key.StartsWith("MT-Fault", StringComparison.Ordinal)
            );
            var properties = new BasicProperties(message.BasicProperties)
            {
                Headers = headers?.ToDictionary(h => h.Key, h => h.Value, StringComparer.Ordinal),
            };

            // Confirmed in the queue before it leaves the error queue: a crash in between doubles it, and the inbox drops the copy.
            await channel.BasicPublishAsync("", queue, mandatory: true, properties, message.Body, ct);
            await channel.BasicAckAsync(message.DeliveryTag, multiple: false, ct);
        }

        return moved;
    }

    private static async Task<uint> CountAsync(IChannel channel, string queue, CancellationToken ct)
    {
        try
        {
            return await channel.MessageCountAsync(queue, ct);
        }
        catch (RabbitMQ.Client.Exceptions.OperationInterruptedException e) when (e.ShutdownReason?.ReplyCode == 404)
        {
            // No message of this queue has ever failed.
            return 0;
        }
    }
}
