using MassTransit;
using Rollcall.Api.Scope.V1;
using Rollcall.Assignment.Data;
using Rollcall.Assignment.Planning;

namespace Rollcall.Assignment.Consumers;

/// <summary>Opens what a decision's audiences ask for and closes what no longer applies.</summary>
public sealed class ScopeChangedConsumer(AssignmentDbContext db, PlannedClients clients, PlanningRun planning)
    : IConsumer<ScopeChanged>
{
    public Task Consume(ConsumeContext<ScopeChanged> context) =>
        HandleAsync(context.Message, context.CancellationToken);

    public async Task HandleAsync(ScopeChanged message, CancellationToken ct)
    {
        var client = await clients.ShareAsync(Guid.Parse(message.ClientId), ct);
        var newer = await db.ReceiveAsync(message, ct);
        await planning.PlanAsync(client, newer, ct);
    }
}
