using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Options;
using Rollcall.Platform;

namespace Rollcall.Notification.Mail;

/// <summary>Takes mails whose turn has come, of every tenant, and sends them. Safe to run in several instances.</summary>
public sealed partial class MailSender(
    WorkerDatabase database,
    IServiceScopeFactory scopes,
    IOptions<MailOptions> options,
    MailServerWatch server,
    ILogger<MailSender> logger
) : BackgroundService
{
    private const int BatchSize = 50;

    private static readonly Counter<long> Attempts = Telemetry.Meter.CreateCounter<long>(
        "rollcall.mail.attempts",
        description: "Mails handed to the mail server, by what it made of them"
    );

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var taken = 0;
            try
            {
                taken = await SendBatchAsync(stoppingToken);
            }
            catch (Exception e) when (e is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
            {
                LogFailed(e);
            }

            if (taken < BatchSize)
            {
                await Task.Delay(options.Value.Poll, stoppingToken);
            }
        }
    }

    /// <returns>The number of rows taken.</returns>
    public async Task<int> SendBatchAsync(CancellationToken ct)
    {
        var turns = await TakeAsync(ct);
        await using var session = new SmtpSession(options.Value);
        for (var i = 0; i < turns.Count; i++)
        {
            if (!await TrySendAsync(turns[i], session, ct))
            {
                // One mail found the server down; the others need not wait for their lease to run out.
                await ReleaseAsync(turns[(i + 1)..], ct);
                return 0;
            }
        }

        return turns.Count;
    }

    /// <summary>A mail that cannot be made must not stand in the way of the others: it is shown as failed and tried again.</summary>
    private async Task<bool> TrySendAsync(MailTurn turn, SmtpSession session, CancellationToken ct)
    {
        try
        {
            return await SendAsync(turn, session, ct);
        }
        catch (Exception e) when (!e.IsTransient())
        {
            LogBroken(turn.DeliveryId, e);
            await using var scope = ScopeOf(turn);
            await scope
                .ServiceProvider.GetRequiredService<MailDesk>()
                .SettleAsync(turn, new MailOutcome.Retry($"The mail could not be made ({e.GetType().Name})"), ct);
            return true;
        }
    }

    /// <returns>False if the mail server is down.</returns>
    private async Task<bool> SendAsync(MailTurn turn, SmtpSession session, CancellationToken ct)
    {
        using var activity = Telemetry.Source.StartActivity("send mail", ActivityKind.Producer, turn.TraceParent);
        await using var scope = ScopeOf(turn);
        var desk = scope.ServiceProvider.GetRequiredService<MailDesk>();
        if (await desk.PrepareAsync(turn, ct) is not { } message)
        {
            return true;
        }

        using (message)
        {
            var outcome = await session.SendAsync(message, ct);
            await desk.SettleAsync(turn, outcome, ct);
            Attempts.Add(1, new KeyValuePair<string, object?>("outcome", outcome.GetType().Name));
            if (outcome is MailOutcome.Retry retry)
            {
                LogRetry(turn.DeliveryId, retry.Reason);
            }

            if (outcome is MailOutcome.Retry { ServerDown: true })
            {
                await server.DownAsync(ct);
                return false;
            }

            await server.UpAsync(ct);
            return true;
        }
    }

    private AsyncServiceScope ScopeOf(MailTurn turn)
    {
        var scope = scopes.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<TenantContext>().Enter(Tenant.Client(turn.MspId, turn.ClientId));
        return scope;
    }

    private async Task<List<MailTurn>> TakeAsync(CancellationToken ct)
    {
        await using var command = database.Source.CreateCommand(
            """
            update send_queue q set claim = claim + 1, next_at = now() + $2 * interval '1 second'
            from (
              select client_id, delivery_id from send_queue
              where next_at <= now() order by next_at limit $1 for update skip locked) due
            where q.client_id = due.client_id and q.delivery_id = due.delivery_id
            returning q.msp_id, q.client_id, q.delivery_id, q.claim, q.trace_parent
            """
        );
        command.Parameters.Add(new() { Value = BatchSize });
        command.Parameters.Add(new() { Value = MailDesk.LeaseSeconds });
        var turns = new List<MailTurn>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            turns.Add(
                new(reader.GetGuid(0), reader.GetGuid(1), reader.GetGuid(2), reader.GetInt32(3), reader[4] as string)
            );
        }

        return turns;
    }

    private async Task ReleaseAsync(List<MailTurn> turns, CancellationToken ct)
    {
        await using var command = database.Source.CreateCommand(
            """
            update send_queue q set next_at = now() + interval '2 seconds'
            from unnest($1, $2, $3) as r (client_id, delivery_id, claim)
            where q.client_id = r.client_id and q.delivery_id = r.delivery_id and q.claim = r.claim
            """
        );
        command.Parameters.Add(new() { Value = turns.Select(t => t.ClientId).ToArray() });
        command.Parameters.Add(new() { Value = turns.Select(t => t.DeliveryId).ToArray() });
        command.Parameters.Add(new() { Value = turns.Select(t => t.Claim).ToArray() });
        await command.ExecuteNonQueryAsync(ct);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Sending mail failed; retrying")]
    private partial void LogFailed(Exception e);

    [LoggerMessage(Level = LogLevel.Error, Message = "Mail {DeliveryId} could not be made; it will be tried again")]
    private partial void LogBroken(Guid deliveryId, Exception e);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Mail {DeliveryId} will be tried again: {Reason}")]
    private partial void LogRetry(Guid deliveryId, string reason);
}
