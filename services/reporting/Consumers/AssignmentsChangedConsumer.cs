using MassTransit;
using Rollcall.Api.Assignment.V1;
using Rollcall.Reporting.Data;

namespace Rollcall.Reporting.Consumers;

/// <summary>Records assignments.</summary>
public sealed class AssignmentsChangedConsumer(ReportingDbContext db) : IConsumer<AssignmentsChanged>
{
    public Task Consume(ConsumeContext<AssignmentsChanged> context) =>
        db.RecordAsync(
            Guid.Parse(context.Message.ClientId),
            [.. context.Message.Assignments.Select(a => a.ToHistory(context.Message))],
            context.CancellationToken
        );
}
