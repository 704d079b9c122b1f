using System.Collections.Concurrent;
using Grpc.Core;
using Rollcall.Api.Directory.V1;

namespace Rollcall.Notification.Mail;

/// <summary>When a client's roster was last known to be right, as directory-sync says now.</summary>
public interface ISyncHealthSource
{
    /// <summary>Null when there never was a success, or nobody can say.</summary>
    Task<DateTimeOffset?> LastSuccessAsync(Guid clientId, CancellationToken ct);
}

/// <summary>Asks directory-sync with the tenant of the unit of work.</summary>
public sealed partial class RemoteSyncHealth(SyncService.SyncServiceClient sync, ILogger<RemoteSyncHealth> logger)
    : ISyncHealthSource
{
    public async Task<DateTimeOffset?> LastSuccessAsync(Guid clientId, CancellationToken ct)
    {
        try
        {
            var answer = await sync.GetSyncHealthAsync(new() { ClientId = clientId.ToString() }, cancellationToken: ct);
            return answer.Health?.LastSuccessTime?.ToDateTimeOffset();
        }
        catch (RpcException e)
        {
            LogUnanswered(clientId, e.StatusCode);
            return null;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Sync health of client {ClientId} could not be read: {Code}")]
    private partial void LogUnanswered(Guid clientId, StatusCode code);
}

/// <summary>
/// Health events tell only of changes: a client that stays healthy sends none, and its last known success grows old. So
/// before a reminder is held for age, directory-sync is asked, once a client in half a minute.
/// </summary>
public sealed class RosterAge(TimeProvider clock)
{
    private static readonly TimeSpan Memory = TimeSpan.FromSeconds(30);
    private readonly ConcurrentDictionary<Guid, (DateTimeOffset? Success, long AskedAt)> answers = new();

    public async Task<DateTimeOffset?> NewestAsync(
        Guid clientId,
        DateTimeOffset? known,
        ISyncHealthSource source,
        CancellationToken ct
    )
    {
        if (known is { } success && clock.GetUtcNow() - success <= MailCheck.RosterLimit)
        {
            return known;
        }

        if (
            !answers.TryGetValue(clientId, out var answer)
            || TimeProvider.System.GetElapsedTime(answer.AskedAt) > Memory
        )
        {
            answer = (await source.LastSuccessAsync(clientId, ct), TimeProvider.System.GetTimestamp());
            answers[clientId] = answer;
        }

        return answer.Success > known || known is null ? answer.Success : known;
    }
}
