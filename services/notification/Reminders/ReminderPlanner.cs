using Rollcall.Platform;

namespace Rollcall.Notification.Reminders;

/// <summary>
/// Finds the clients whose reminders are due, by the clock people see, and plans them. A lease in database time keeps
/// two instances from planning one client at once; that no step is told twice is the unique index's business.
/// </summary>
public sealed partial class ReminderPlanner(
    WorkerDatabase database,
    IServiceScopeFactory scopes,
    TimeProvider clock,
    ILogger<ReminderPlanner> logger
) : BackgroundService
{
    private const int BatchSize = 20;
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var taken = 0;
            try
            {
                taken = await PlanDueAsync(stoppingToken);
            }
            catch (Exception e) when (e is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
            {
                LogFailed(e);
            }

            if (taken < BatchSize)
            {
                await Task.Delay(Poll, stoppingToken);
            }
        }
    }

    /// <returns>The number of clients taken.</returns>
    public async Task<int> PlanDueAsync(CancellationToken ct)
    {
        var clients = await TakeAsync(ct);
        foreach (var (msp, client) in clients)
        {
            await PlanAsync(msp, client, ct);
        }

        return clients.Count;
    }

    /// <summary>A client that cannot be planned must not stand in the way of the others: its lease runs out.</summary>
    private async Task PlanAsync(Guid msp, Guid client, CancellationToken ct)
    {
        await using var scope = scopes.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<TenantContext>().Enter(Tenant.Client(msp, client));
        try
        {
            await scope.ServiceProvider.GetRequiredService<ReminderDesk>().PlanAsync(client, ct);
        }
        catch (Exception e) when (!e.IsTransient())
        {
            LogClientFailed(client, e);
        }
    }

    private async Task<List<(Guid Msp, Guid Client)>> TakeAsync(CancellationToken ct)
    {
        await using var command = database.Source.CreateCommand(
            """
            update reminder_schedule s set lease_until = now() + interval '2 minutes'
            from (
              select client_id from reminder_schedule
              where due_at <= $1 and (lease_until is null or lease_until < now())
              order by due_at limit $2 for update skip locked) due
            where s.client_id = due.client_id
            returning s.msp_id, s.client_id
            """
        );
        command.Parameters.Add(new() { Value = clock.GetUtcNow() });
        command.Parameters.Add(new() { Value = BatchSize });
        var clients = new List<(Guid, Guid)>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            clients.Add((reader.GetGuid(0), reader.GetGuid(1)));
        }

        return clients;
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Reminders of client {ClientId} could not be planned")]
    private partial void LogClientFailed(Guid clientId, Exception e);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Planning reminders failed; retrying")]
    private partial void LogFailed(Exception e);
}
