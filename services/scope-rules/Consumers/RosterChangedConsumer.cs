using MassTransit;
using Rollcall.Api.Directory.V1;
using Rollcall.ScopeRules.Decisions;

namespace Rollcall.ScopeRules.Consumers;

/// <summary>Decides about the people a roster version has touched, once all of it has arrived.</summary>
public sealed class RosterChangedConsumer(Evaluations evaluations) : IConsumer<RosterChanged>
{
    public Task Consume(ConsumeContext<RosterChanged> context) =>
        evaluations.ReceiveAsync(context.Message, context.CancellationToken);
}
