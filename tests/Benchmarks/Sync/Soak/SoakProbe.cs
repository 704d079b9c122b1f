using System.Globalization;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using Rollcall.Platform;
using Rollcall.Testing;

namespace Rollcall.Benchmarks.Sync.Soak;

/// <summary>What the service holds at one moment.</summary>
public sealed record SoakSample(
    double Minute,
    double Resident,
    double Heap,
    double Threads,
    double Handles,
    double Connections,
    double Outbox,
    double Queue,
    double Pages,
    double Leases
);

/// <summary>Looks at the service from outside, and takes its events as a consumer would: from a queue that can grow.</summary>
public sealed class SoakProbe : IAsyncDisposable
{
    private const string Queue = "soak";
    private readonly Service service;
    private readonly HeapMeter heap;
    private readonly IConnection connection;
    private readonly IChannel channel;
    private int events;

    private SoakProbe(Service service, HeapMeter heap, IConnection connection, IChannel channel) =>
        (this.service, this.heap, this.connection, this.channel) = (service, heap, connection, channel);

    public int Events => events;

    public static async Task<SoakProbe> StartAsync(Service service, HeapMeter heap)
    {
        var opened = await new ConnectionFactory { Uri = new(TestServers.RabbitMq) }.CreateConnectionAsync();
        var bound = await opened.CreateChannelAsync();
        await bound.QueueDeclareAsync(Queue, durable: true, exclusive: true);
        foreach (var name in Contracts.Messages.Values.Where(m => m.ClrType.IsAssignableTo(typeof(Api.ITenantEvent))))
        {
            await bound.QueueBindAsync(Queue, name.FullName, "");
        }

        var probe = new SoakProbe(service, heap, opened, bound);
        var consumer = new AsyncEventingBasicConsumer(bound);
        consumer.ReceivedAsync += async (_, delivery) =>
        {
            Interlocked.Increment(ref probe.events);
            await bound.BasicAckAsync(delivery.DeliveryTag, multiple: false);
        };
        await bound.BasicQosAsync(0, 32, global: false);
        await bound.BasicConsumeAsync(Queue, autoAck: false, consumer);
        return probe;
    }

    public async Task<SoakSample> SampleAsync(TimeSpan at)
    {
        // All of the scheduler's, writers' and dispatcher's; not those this program looks with.
        var connections = await service.ScalarAsync<long>(
            "select count(*) from pg_stat_activity where datname = current_database() and usename <> current_user"
        );
        return new(
            Math.Round(at.TotalMinutes, 1),
            Math.Round(service.Memory("VmRSS"), 1),
            Math.Round(heap.Megabytes, 1),
            Directory.GetDirectories($"/proc/{service.ProcessId}/task").Length,
            Directory.GetFiles($"/proc/{service.ProcessId}/fd").Length,
            connections,
            await CountAsync("outbox"),
            (await channel.QueueDeclarePassiveAsync(Queue)).MessageCount,
            await CountAsync("staged_page"),
            await CountAsync("client_sync")
        );
    }

    /// <summary>Waits until nothing is left, or for half a minute.</summary>
    public async Task<long> LeftAsync()
    {
        long left = 0;
        for (var i = 0; i < 60; i++)
        {
            left =
                (long)await CountAsync("outbox")
                + (await channel.QueueDeclarePassiveAsync(Queue)).MessageCount
                + (long)await CountAsync("outbox_dead");
            if (left == 0)
            {
                break;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(500));
        }

        return left;
    }

    public async ValueTask DisposeAsync()
    {
        await channel.DisposeAsync();
        await connection.DisposeAsync();
    }

    private async Task<double> CountAsync(string table) =>
        Convert.ToDouble(
            await service.ScalarAsync<long>($"select count(*) from {table}"),
            CultureInfo.InvariantCulture
        );
}
