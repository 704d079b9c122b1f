using System.Collections.Frozen;
using Npgsql;
using Rollcall.Platform;

namespace Rollcall.Edge;

/// <summary>
/// The accounts disabled within a token's lifetime: their tokens still have a valid signature, so the door asks here.
/// Read every few seconds; while the database is away the last answer stands.
/// </summary>
public sealed partial class ShutOut(WorkerDatabase database, ILogger<ShutOut> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);
    private volatile FrozenSet<string> clientIds = FrozenSet<string>.Empty;

    public bool Contains(string clientId) => clientIds.Contains(clientId);

    public async Task RefreshAsync(CancellationToken ct)
    {
        await using var command = database.Source.CreateCommand(
            "select oauth_client_id from account where disabled_at > now() - interval '1 hour'"
        );
        await using var reader = await command.ExecuteReaderAsync(ct);
        var found = new List<string>();
        while (await reader.ReadAsync(ct))
        {
            found.Add(reader.GetString(0));
        }

        clientIds = found.ToFrozenSet(StringComparer.Ordinal);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval);
        do
        {
            try
            {
                await RefreshAsync(stoppingToken);
            }
            catch (NpgsqlException e)
            {
                LogOutage(e);
            }
        } while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Disabled accounts could not be read; the last list stands")]
    private partial void LogOutage(Exception e);
}
