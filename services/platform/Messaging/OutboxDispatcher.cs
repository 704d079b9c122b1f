using System.Diagnostics;
using MassTransit;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Rollcall.Api.Ops.V1;

namespace Rollcall.Platform;

/// <summary>
/// Moves outbox rows to the bus, oldest first, and deletes what the broker has confirmed. Safe to run in several
/// instances. A broker that is down costs a row nothing; a row that itself cannot be sent is retried with growing
/// gaps and then set aside with an alarm.
/// </summary>
public sealed partial class OutboxDispatcher(
    WorkerDatabase database,
    EventPublisher publisher,
    OutboxSignal signal,
    AlarmWriter alarms,
    ILogger<OutboxDispatcher> logger
) : BackgroundService
{
    public const int MaxAttempts = 20;
    private const int BatchSize = 50;
    private static readonly TimeSpan IdleDelay = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var taken = 0;
            try
            {
                taken = await DispatchBatchAsync(stoppingToken);
            }
            catch (Exception e) when (e is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
            {
                LogDispatchFailed(e);
            }

            if (taken < BatchSize)
            {
                await signal.WaitAsync(IdleDelay, stoppingToken);
            }
        }
    }

    /// <summary>The number of rows taken; fewer than a batch when the outbox is nearly empty.</summary>
    public async Task<int> DispatchBatchAsync(CancellationToken ct)
    {
        await publisher.WaitUntilConnectedAsync(ct);
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var batch = await TakeBatchAsync(connection, ct);
        if (batch.Count == 0)
        {
            return 0;
        }

        var outcomes = await Task.WhenAll(batch.Select(async row => (row, error: await PublishAsync(row, ct))));
        CrashPoints.Reach("after-publish");
        var sent = outcomes.Where(o => o.error is null).Select(o => o.row.Id).ToArray();
        var failed = outcomes.Where(o => o.error is not null).ToList();

        await DeleteAsync(connection, sent, ct);
        foreach (var (row, error) in failed)
        {
            await PostponeAsync(connection, row, error!, ct);
        }

        await transaction.CommitAsync(ct);
        return batch.Count;
    }

    /// <summary>Null when confirmed; the failure when this row is at fault. A broker outage is thrown.</summary>
    private async Task<string?> PublishAsync(OutboxRow row, CancellationToken ct)
    {
        using var activity = Telemetry.Source.StartActivity("outbox publish", ActivityKind.Producer, row.TraceParent);
        try
        {
            await publisher.PublishAsync(row, ct);
            return null;
        }
        catch (Exception e) when (e is MessageReturnedException or UnknownEventException)
        {
            LogRowFailed(row.Type, row.MessageId, row.Attempts + 1, e);
            return e.GetType().Name;
        }
    }

    private static async Task<List<OutboxRow>> TakeBatchAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        // SKIP LOCKED lets another instance take the next batch instead of waiting for this one.
        await using var command = new NpgsqlCommand(
            """
            select id, message_id, msp_id, client_id, type, body, trace_parent, attempts
            from outbox where next_at <= now() order by id limit $1 for update skip locked
            """,
            connection
        );
        command.Parameters.Add(new() { Value = BatchSize });
        var rows = new List<OutboxRow>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            rows.Add(
                new(
                    reader.GetInt64(0),
                    reader.GetGuid(1),
                    reader.GetGuid(2),
                    reader.GetGuid(3),
                    reader.GetString(4),
                    (byte[])reader[5],
                    reader[6] as string,
                    reader.GetInt32(7)
                )
            );
        }

        return rows;
    }

    private static async Task DeleteAsync(NpgsqlConnection connection, long[] ids, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("delete from outbox where id = any ($1)", connection);
        command.Parameters.Add(new() { Value = ids });
        await command.ExecuteNonQueryAsync(ct);
    }

    private async Task PostponeAsync(NpgsqlConnection connection, OutboxRow row, string error, CancellationToken ct)
    {
        var dies = row.Attempts + 1 >= MaxAttempts;
        await using var command = new NpgsqlCommand(
            dies
                ? """
                with dead as (delete from outbox where id = $1 returning *)
                insert into outbox_dead (id, message_id, msp_id, client_id, type, body, trace_parent, last_error)
                select id, message_id, msp_id, client_id, type, body, trace_parent, $2 from dead
                """
                : """
                update outbox set attempts = attempts + 1, last_error = $2,
                  next_at = now() + least(power(2, attempts), 300) * interval '1 second'
                where id = $1
                """,
            connection
        );
        command.Parameters.Add(new() { Value = row.Id });
        command.Parameters.Add(new() { Value = error });
        await command.ExecuteNonQueryAsync(ct);
        if (dies)
        {
            var alarm = new AlarmRaised
            {
                MspId = row.MspId.ToString(),
                ClientId = row.ClientId.ToString(),
                Kind = AlarmKind.OutboxDead,
                Subject = row.Type,
                Error = error,
                MessageId = row.MessageId.ToString(),
            };
            await alarms.WriteAsync(connection, alarm, ct);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Outbox dispatch failed; retrying")]
    private partial void LogDispatchFailed(Exception e);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Type} {MessageId} could not be published, try {Attempt}")]
    private partial void LogRowFailed(string type, Guid messageId, int attempt, Exception e);
}

/// <summary>A row of the outbox as the dispatcher reads it.</summary>
public sealed record OutboxRow(
    long Id,
    Guid MessageId,
    Guid MspId,
    Guid ClientId,
    string Type,
    byte[] Body,
    string? TraceParent,
    int Attempts
);
