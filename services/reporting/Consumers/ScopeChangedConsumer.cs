using MassTransit;
using Rollcall.Api.Scope.V1;
using Rollcall.Reporting.Data;

namespace Rollcall.Reporting.Consumers;

/// <summary>Records decisions, and up to which roster and policy version there are any.</summary>
public sealed class ScopeChangedConsumer(ReportingDbContext db) : IConsumer<ScopeChanged>
{
    public async Task Consume(ConsumeContext<ScopeChanged> context)
    {
        var message = context.Message;
        await db.RecordAsync(
            Guid.Parse(message.ClientId),
            [.. message.Decisions.Select(d => d.ToHistory(message))],
            context.CancellationToken
        );
        await db.AppendAsync([message.ToHistory()], context.CancellationToken);
    }
}
