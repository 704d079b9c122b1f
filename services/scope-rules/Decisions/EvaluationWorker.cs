using Rollcall.Platform;

namespace Rollcall.ScopeRules.Decisions;

/// <summary>
/// Time is an event too: evaluates clients whose next evaluation has come, a page at a time, so that one client's
/// publish does not hold up another's hire date.
/// </summary>
public sealed partial class EvaluationWorker(
    WorkerDatabase database,
    IServiceScopeFactory scopes,
    EvaluationSignal signal,
    TimeProvider clock,
    ILogger<EvaluationWorker> logger
) : BackgroundService
{
    private static readonly TimeSpan IdleDelay = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var worked = 0;
            try
            {
                worked = await RunDueAsync(stoppingToken);
            }
            catch (Exception e) when (e is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
            {
                LogFailed(e);
            }

            if (worked == 0)
            {
                await signal.WaitAsync(IdleDelay, stoppingToken);
            }
        }
    }

    /// <returns>How many clients had a page evaluated.</returns>
    public async Task<int> RunDueAsync(CancellationToken ct)
    {
        var worked = 0;
        foreach (var (msp, client) in await DueAsync(ct))
        {
            try
            {
                await using var scope = scopes.CreateAsyncScope();
                scope.ServiceProvider.GetRequiredService<TenantContext>().Enter(Tenant.Client(msp, client));
                worked += await scope.ServiceProvider.GetRequiredService<Evaluations>().RunDueAsync(client, ct) ? 1 : 0;
            }
            catch (Exception e) when (e is not OperationCanceledException && !e.IsTransient())
            {
                // The others go on; this one is tried again, and the log keeps saying so.
                LogClientFailed(client, e);
                await PostponeAsync(client, ct);
            }
        }

        return worked;
    }

    private async Task<List<(Guid Msp, Guid Client)>> DueAsync(CancellationToken ct)
    {
        await using var command = database.Source.CreateCommand(
            """
            select msp_id, client_id from client_scope where next_evaluation_at <= $1
            order by next_evaluation_at limit 50
            """
        );
        command.Parameters.Add(new() { Value = clock.GetUtcNow() });
        await using var reader = await command.ExecuteReaderAsync(ct);
        var due = new List<(Guid, Guid)>();
        while (await reader.ReadAsync(ct))
        {
            due.Add((reader.GetGuid(0), reader.GetGuid(1)));
        }

        return due;
    }

    private async Task PostponeAsync(Guid client, CancellationToken ct)
    {
        await using var command = database.Source.CreateCommand(
            "update client_scope set next_evaluation_at = $2 where client_id = $1"
        );
        command.Parameters.Add(new() { Value = client });
        command.Parameters.Add(new() { Value = clock.GetUtcNow().AddMinutes(1) });
        await command.ExecuteNonQueryAsync(ct);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Evaluation of client {ClientId} failed; again in a minute")]
    private partial void LogClientFailed(Guid clientId, Exception e);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Evaluations could not be run; retrying")]
    private partial void LogFailed(Exception e);
}

/// <summary>Wakes the worker when a publish or an exception has work for it.</summary>
public sealed class EvaluationSignal : Signal;
