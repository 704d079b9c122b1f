using MassTransit;
using Rollcall.Api.Scope.V1;
using Rollcall.Assignment.Data;
using Rollcall.Assignment.Planning;

namespace Rollcall.Assignment.Consumers;

/// <summary>Opens what a decision's audiences ask for and closes what no longer applies.</summary>
public sealed class ScopeChangedConsumer(AssignmentDbContext db, PlannedClients clients, PlanningRun planning)
    : IConsumer<ScopeChanged>
{
    public async Task Consume(ConsumeContext<ScopeChanged> context)
    {
        var client = await clients.ShareAsync(Guid.Parse(context.Message.ClientId), context.CancellationToken);
        var newer = await db.ReceiveAsync(context.Message, context.CancellationToken);
        await planning.PlanAsync(client, newer, context.CancellationToken);
    }
}
