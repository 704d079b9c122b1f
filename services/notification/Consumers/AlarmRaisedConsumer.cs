using MassTransit;
using Rollcall.Api.Ops.V1;
using Rollcall.Notification.Alerts;

namespace Rollcall.Notification.Consumers;

/// <summary>A message or event no service can handle becomes a platform alert, one per service, queue and kind.</summary>
public sealed class AlarmRaisedConsumer(PlatformAlertBook alerts) : IConsumer<AlarmRaised>
{
    public Task Consume(ConsumeContext<AlarmRaised> context) =>
        alerts.RaiseAsync(PlatformTrouble.Of(context.Message), subject: null, context.CancellationToken);
}
