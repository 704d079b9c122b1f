using MassTransit;
using Rollcall.Api.Directory.V1;
using Rollcall.Reporting.Data;

namespace Rollcall.Reporting.Consumers;

/// <summary>Records the client's name and time zone.</summary>
public sealed class ClientChangedConsumer(ReportingDbContext db) : IConsumer<ClientChanged>
{
    public Task Consume(ConsumeContext<ClientChanged> context) =>
        db.AppendAsync([context.Message.ToHistory()], context.CancellationToken);
}
