using Microsoft.Extensions.Options;
using Npgsql;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Trail;

/// <summary>
/// Once a day, on one of the workers: makes the coming months' partitions of the trail, drops those past retention, and
/// forgets pages of rounds that did not come to their end.
/// </summary>
public sealed partial class TrailKeeper(
    WorkerDatabase database,
    TimeProvider clock,
    IOptions<TrailOptions> options,
    ILogger<TrailKeeper> logger
) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (await RunIfDueAsync(clock.GetUtcNow(), stoppingToken) is { Count: > 0 } dropped)
                {
                    LogDropped(dropped.Count);
                }
            }
            catch (NpgsqlException e)
            {
                LogFailed(e);
            }

            await Task.Delay(Every, TimeProvider.System, stoppingToken);
        }
    }

    /// <summary>The row's lock is the lease: it ends with the work, and a failure leaves the job due.</summary>
    /// <returns>The partitions dropped; null if somebody else has done it, or is at it.</returns>
    public async Task<List<string>?> RunIfDueAsync(DateTimeOffset asOf, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await using var claim = new NpgsqlCommand(
            """
            with due as (select job from housekeeping where job = 'trail' and next_at <= now() for update skip locked)
            update housekeeping h set next_at = now() + interval '1 day' from due where h.job = due.job
            """,
            connection
        );
        if (await claim.ExecuteNonQueryAsync(ct) == 0)
        {
            return null;
        }

        var dropped = await KeepAsync(connection, asOf, ct);

        // Last: it locks clients, which must not wait for a partition.
        var forgotten = await ForgetPagesAsync(connection, ct);
        await transaction.CommitAsync(ct);
        if (forgotten > 0)
        {
            LogForgotten(forgotten);
        }

        return dropped;
    }

    private async Task<List<string>> KeepAsync(NpgsqlConnection connection, DateTimeOffset asOf, CancellationToken ct)
    {
        await using var keep = new NpgsqlCommand("select keep_sync_trail($1, $2, $3)", connection);
        keep.Parameters.Add(new() { Value = asOf });
        keep.Parameters.Add(new() { Value = options.Value.RetentionMonths });
        keep.Parameters.Add(new() { Value = options.Value.PreviewDays });
        return [.. (string[])(await keep.ExecuteScalarAsync(ct))!];
    }

    private async Task<int> ForgetPagesAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var forget = new NpgsqlCommand("select forget_staged_pages($1)", connection);
        forget.Parameters.Add(new() { Value = options.Value.StagedPagesDays });
        return (int)(await forget.ExecuteScalarAsync(ct))!;
    }

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "Rounds of {Clients} clients did not come to their end for days; their pages were forgotten"
    )]
    private partial void LogForgotten(int clients);

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "{Months} months of the trail were past retention and dropped"
    )]
    private partial void LogDropped(int months);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The trail's partitions could not be kept; again in a minute")]
    private partial void LogFailed(Exception e);
}
