using System.Collections.Concurrent;
using Npgsql;
using Rollcall.DirectorySync.Graph;
using Rollcall.DirectorySync.Sync;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Health;

/// <summary>
/// Clients whose last sync our own database failed. Kept in memory, since it is the database that cannot take it: people
/// are told at once, and told that it is not the client's doing.
/// </summary>
public sealed class OwnTrouble(TimeProvider clock)
{
    private readonly ConcurrentDictionary<Guid, (HealthView View, DateTimeOffset At)> noted = new();

    /// <summary>Null when the error is not the database's.</summary>
    public static GraphException? Of(Exception error)
    {
        for (var e = error; e is not null; e = e.InnerException)
        {
            if (e is PostgresException { SqlState: PostgresErrorCodes.DiskFull })
            {
                return Own("DATABASE_FULL", "has no space left", error);
            }

            if (e is NpgsqlException && e.IsTransient())
            {
                return Own("DATABASE_UNAVAILABLE", "did not answer", error);
            }

            if (e is PagesLostException)
            {
                return Own("DATABASE_RECOVERED", "had to recover from a crash", error);
            }
        }

        return null;
    }

    public void Note(Guid clientId, GraphException own) =>
        noted[clientId] = (HealthRules.AfterFailure(own, failures: 1).View, clock.GetUtcNow());

    /// <summary>A sync has come to an end the database has taken.</summary>
    public void Over(Guid clientId) => noted.TryRemove(clientId, out _);

    /// <summary>Null when there is none, or another worker has read the client since.</summary>
    public HealthView? Find(Guid clientId, DateTimeOffset? lastSuccessAt) =>
        noted.TryGetValue(clientId, out var trouble) && !(trouble.At < lastSuccessAt) ? trouble.View : null;

    private static GraphException Own(string code, string what, Exception error) =>
        new(GraphFailure.OwnDatabase, code, $"Rollcall's own database {what}: what was read could not be kept.", error);
}
