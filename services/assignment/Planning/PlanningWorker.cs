using Microsoft.EntityFrameworkCore;
using Rollcall.Assignment.Data;
using Rollcall.Platform;

namespace Rollcall.Assignment.Planning;

/// <summary>
/// Plans everybody in a client anew after its paths, courses or time zone changed, and when its calendar year began: in
/// batches, each its own transaction with the place it has come to, so that a crash goes on where it stopped.
/// </summary>
public sealed partial class PlanningWorker(
    WorkerDatabase database,
    IServiceScopeFactory scopes,
    TimeProvider clock,
    ILogger<PlanningWorker> logger
) : BackgroundService
{
    private const int BatchSize = 500;
    private static readonly TimeSpan IdleDelay = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var planned = 0;
            try
            {
                planned = await PlanDueAsync(stoppingToken);
            }
            catch (Exception e) when (e is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
            {
                LogRoundFailed(e);
            }

            if (planned == 0)
            {
                await Task.Delay(IdleDelay, stoppingToken);
            }
        }
    }

    /// <summary>One batch for each client that is due, so that a large one does not keep the others waiting.</summary>
    /// <returns>The number of batches planned; 0 when nothing is due, or others are at it.</returns>
    public async Task<int> PlanDueAsync(CancellationToken ct)
    {
        var planned = 0;
        foreach (var (msp, client) in await FindDueAsync(ct))
        {
            try
            {
                planned += await PlanBatchAsync(msp, client, ct) ? 1 : 0;
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                LogClientFailed(client, e);
                await PostponeAsync(msp, client, ct);
            }
        }

        return planned;
    }

    private async Task<bool> PlanBatchAsync(Guid msp, Guid clientId, CancellationToken ct)
    {
        await using var scope = scopes.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<TenantContext>().Enter(Tenant.Client(msp, clientId));
        var db = scope.ServiceProvider.GetRequiredService<AssignmentDbContext>();
        await using var transaction = await db.BeginAsync(ct);
        if (await TakeAsync(db, msp, clientId, ct) is not { } client)
        {
            return false;
        }

        var now = ClientClock.At(clock.GetUtcNow(), client.TimeZone);
        var after = client.NextCycleAt <= now.Now ? Guid.Empty : client.ReplanAfter;
        if (after is not { } last)
        {
            return false;
        }

        var decisions = await LockDecisionsAsync(db, client, last, ct);
        await scope.ServiceProvider.GetRequiredService<PlanningRun>().PlanAsync(client, decisions, ct);
        Guid? next = decisions.Count < BatchSize ? null : decisions[^1].UserId;
        await db
            .Clients.Where(c => c.MspId == msp && c.ClientId == clientId)
            .ExecuteUpdateAsync(
                c =>
                    c.SetProperty(x => x.ReplanAfter, next)
                        .SetProperty(x => x.NextCycleAt, now.NextYearAt)
                        .SetProperty(x => x.RetryAt, (DateTimeOffset?)null),
                ct
            );
        await db.SaveChangesAsync(ct);
        await transaction.CommitAsync(ct);
        return true;
    }

    /// <summary>Null if another instance is at it. The lock lets consumers plan meanwhile; decisions keep them apart.</summary>
    private static async Task<PlannedClient?> TakeAsync(
        AssignmentDbContext db,
        Guid msp,
        Guid clientId,
        CancellationToken ct
    )
    {
        var rows = await db
            .Clients.FromSql(
                $"""
                select * from client where msp_id = {msp} and client_id = {clientId}
                for no key update skip locked
                """
            )
            .AsNoTracking()
            .ToListAsync(ct);
        return rows.SingleOrDefault();
    }

    private static Task<List<UserDecision>> LockDecisionsAsync(
        AssignmentDbContext db,
        PlannedClient client,
        Guid after,
        CancellationToken ct
    ) =>
        db
            .Decisions.FromSql(
                $"""
                select * from decision
                where msp_id = {client.MspId} and client_id = {client.ClientId} and user_id > {after}
                order by user_id limit {BatchSize} for update
                """
            )
            .AsNoTracking()
            .ToListAsync(ct);

    private async Task<List<(Guid Msp, Guid Client)>> FindDueAsync(CancellationToken ct)
    {
        await using var command = database.Source.CreateCommand(
            """
            select msp_id, client_id from client
            where (replan_after is not null or next_cycle_at <= $1) and (retry_at is null or retry_at <= now())
            order by client_id limit 100
            """
        );
        command.Parameters.Add(new() { Value = clock.GetUtcNow() });
        var due = new List<(Guid, Guid)>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            due.Add((reader.GetGuid(0), reader.GetGuid(1)));
        }

        return due;
    }

    private async Task PostponeAsync(Guid msp, Guid client, CancellationToken ct)
    {
        await using var command = database.Source.CreateCommand(
            "update client set retry_at = now() + interval '1 minute' where msp_id = $1 and client_id = $2"
        );
        command.Parameters.Add(new() { Value = msp });
        command.Parameters.Add(new() { Value = client });
        await command.ExecuteNonQueryAsync(ct);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Planning could not look for work; again in a second")]
    private partial void LogRoundFailed(Exception e);

    [LoggerMessage(Level = LogLevel.Error, Message = "Client {ClientId} could not be planned; again in a minute")]
    private partial void LogClientFailed(Guid clientId, Exception e);
}
