using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Rollcall.Platform;

/// <summary>Forgets handled messages after 30 days, longer than anything can be redelivered or redriven.</summary>
public sealed partial class InboxPruner(WorkerDatabase database, ILogger<InboxPruner> logger) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromHours(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                while (await PruneBatchAsync(stoppingToken) > 0) { }
            }
            catch (NpgsqlException e)
            {
                LogFailed(e);
            }

            await Task.Delay(Every, stoppingToken);
        }
    }

    /// <returns>The number of rows deleted.</returns>
    public async Task<int> PruneBatchAsync(CancellationToken ct)
    {
        await using var command = database.Source.CreateCommand(
            """
            delete from inbox where ctid = any (array(
              select ctid from inbox where at < now() - interval '30 days' limit 5000))
            """
        );
        return await command.ExecuteNonQueryAsync(ct);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Inbox could not be pruned; again in an hour")]
    private partial void LogFailed(Exception e);
}
