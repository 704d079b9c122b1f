using MassTransit;
using Rollcall.Api.Directory.V1;
using Rollcall.ScopeRules.Decisions;

namespace Rollcall.ScopeRules.Consumers;

/// <summary>Another time zone or leaver limit makes other days: everyone is looked at again.</summary>
public sealed class ClientChangedConsumer(ClientScopes clients) : IConsumer<ClientChanged>
{
    public async Task Consume(ConsumeContext<ClientChanged> context)
    {
        var ct = context.CancellationToken;
        var (msp, id) = (Guid.Parse(context.Message.MspId), Guid.Parse(context.Message.ClientId));
        var client = await clients.LockAsync(msp, id, ct);

        // Asked, not taken from the event: events overtake each other, and the limit is not in it.
        var now = await clients.AskAsync(id, ct);
        if (client.TimeZone == now.TimeZone && client.LeaverAfterDays == now.LeaverAfterDays)
        {
            return;
        }

        (client.TimeZone, client.LeaverAfterDays) = (now.TimeZone, now.LeaverAfterDays);
        Evaluations.StartSweep(client);
    }
}
