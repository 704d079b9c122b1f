using MassTransit;
using Rollcall.Api.Directory.V1;
using Rollcall.Assignment.Planning;

namespace Rollcall.Assignment.Consumers;

/// <summary>Keeps the client's time zone, which decides when its days end and its years begin.</summary>
public sealed class ClientChangedConsumer(PlannedClients clients) : IConsumer<ClientChanged>
{
    public async Task Consume(ConsumeContext<ClientChanged> context)
    {
        var client = context.Message;
        await clients.StoreAsync(
            Guid.Parse(client.ClientId),
            client.TimeZone,
            client.Revision,
            context.CancellationToken
        );
    }
}
