using MassTransit;
using Rollcall.Api.Directory.V1;
using Rollcall.Platform;
using Rollcall.Reporting.Data;

namespace Rollcall.Reporting.Consumers;

/// <summary>Records what complete roster versions said about people.</summary>
public sealed class RosterChangedConsumer(ReportingDbContext db) : IConsumer<RosterChanged>
{
    public Task Consume(ConsumeContext<RosterChanged> context) =>
        db.ReceiveRosterAsync(
            context.Message,
            part => ApplyAsync(part, context.CancellationToken),
            context.CancellationToken
        );

    private async Task ApplyAsync(RosterChanged part, CancellationToken ct)
    {
        await db.RecordAsync(Guid.Parse(part.ClientId), [.. part.Users.Select(u => u.ToHistory(part))], ct);
        if (part.Part == part.Parts)
        {
            await db.AppendAsync([part.ToHistory()], ct);
        }
    }
}
