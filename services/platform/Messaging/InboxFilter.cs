using MassTransit;
using Microsoft.EntityFrameworkCore;
using Rollcall.Api;

namespace Rollcall.Platform;

/// <summary>
/// Around every consumer: sets the event's tenant, opens the one transaction, drops what was handled before, and
/// commits inbox row, changes and outgoing events together. A consumer only decides and changes.
/// </summary>
public sealed class InboxFilter<T>(ServiceDbContext db, TenantContext tenant) : IFilter<ConsumeContext<T>>
    where T : class
{
    public async Task Send(ConsumeContext<T> context, IPipe<ConsumeContext<T>> next)
    {
        var ct = context.CancellationToken;
        var message = (ITenantEvent)context.Message;
        tenant.Enter(Tenant.Client(Guid.Parse(message.MspId), Guid.Parse(message.ClientId)));
        var id = context.MessageId ?? throw new InvalidOperationException("The message has no id");
        var queue = context.ReceiveContext.InputAddress.AbsolutePath.Split('/')[^1];

        await using var transaction = await db.BeginAsync(ct);
        var first = await db.Database.ExecuteSqlAsync(
            $"insert into inbox (consumer, message_id) values ({queue}, {id}) on conflict do nothing",
            ct
        );
        if (first == 0)
        {
            return;
        }

        await next.Send(context);
        await db.SaveChangesAsync(ct);
        await transaction.CommitAsync(ct);
    }

    public void Probe(ProbeContext context) => context.CreateFilterScope("inbox");
}
