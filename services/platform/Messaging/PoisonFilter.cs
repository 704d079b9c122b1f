using MassTransit;
using Npgsql;
using Rollcall.Api.Ops.V1;

namespace Rollcall.Platform;

/// <summary>
/// What happens to a message whose consumer failed for good. An outage puts it back into its queue; only an error that
/// would come again moves it to _error, and then an alarm says so.
/// </summary>
public sealed class PoisonFilter(WorkerDatabase database, AlarmWriter alarms) : IFilter<ExceptionReceiveContext>
{
    private static readonly TimeSpan BeforeReturn = TimeSpan.FromSeconds(1);

    public async Task Send(ExceptionReceiveContext context, IPipe<ExceptionReceiveContext> next)
    {
        if (context.Exception.IsTransient())
        {
            // Leaving with an exception makes the transport return the message to the queue, from where it comes at once.
            await Task.Delay(BeforeReturn, context.CancellationToken);
            throw new OutageException(context.Exception);
        }

        // First the alarm: if it cannot be written, the message stays where it is and comes again.
        try
        {
            await using var connection = await database.Source.OpenConnectionAsync(context.CancellationToken);
            await alarms.WriteAsync(connection, Alarm(context), context.CancellationToken);
        }
        catch (NpgsqlException)
        {
            await Task.Delay(BeforeReturn, context.CancellationToken);
            throw;
        }

        await next.Send(context);
    }

    public void Probe(ProbeContext context) => context.CreateFilterScope("poison");

    private static AlarmRaised Alarm(ExceptionReceiveContext context) =>
        new()
        {
            MspId = Header(context, EventHeaders.Msp),
            ClientId = Header(context, EventHeaders.Client),
            Kind = AlarmKind.PoisonMessage,
            Subject = context.InputAddress.AbsolutePath.Split('/')[^1],
            Error = (context.Exception.InnerException ?? context.Exception).GetType().Name,
            MessageId = Header(context, MessageHeaders.MessageId),
        };

    private static string Header(ExceptionReceiveContext context, string name) =>
        Guid.TryParse(context.TransportHeaders.Get<string>(name), out var id) ? id.ToString() : Guid.Empty.ToString();
}

/// <summary>A consumer could not reach what it needs; its message goes back to the queue.</summary>
public sealed class OutageException(Exception cause) : Exception("Something the consumer needs is down", cause);
