using MassTransit;
using Rollcall.Api;

namespace Rollcall.Platform;

/// <summary>The only place that publishes: whoever has something to say writes it to the outbox.</summary>
public sealed class EventPublisher(IBusControl bus)
{
    private static readonly TimeSpan ConfirmTimeout = TimeSpan.FromSeconds(10);

    public Task WaitUntilConnectedAsync(CancellationToken ct) => bus.WaitForHealthStatus(BusHealthStatus.Healthy, ct);

    /// <summary>Returns once the broker has confirmed the event and put it into at least one queue.</summary>
    public async Task PublishAsync(OutboxRow row, CancellationToken ct)
    {
        if (!Contracts.Messages.TryGetValue(row.Type, out var descriptor))
        {
            throw new UnknownEventException(row.Type);
        }

        var message = (ITenantEvent)descriptor.Parser.ParseFrom(row.Body);
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(ct);
        timeout.CancelAfter(ConfirmTimeout);
        await bus.Publish(
            message,
            descriptor.ClrType,
            context =>
            {
                context.MessageId = row.MessageId;
                context.Headers.Set(EventHeaders.Msp, row.MspId.ToString());
                context.Headers.Set(EventHeaders.Client, row.ClientId.ToString());

                // Without it the broker confirms and drops an event that no queue takes.
                context.GetPayload<RabbitMqSendContext>().Mandatory = true;
            },
            timeout.Token
        );
    }
}

/// <summary>An outbox row names an event type this build does not know.</summary>
public sealed class UnknownEventException(string type) : Exception($"{type} is no known event");

/// <summary>Headers of every event, readable without its body.</summary>
public static class EventHeaders
{
    public const string ProtoType = "rollcall-type";
    public const string Msp = "rollcall-msp";
    public const string Client = "rollcall-client";
}
