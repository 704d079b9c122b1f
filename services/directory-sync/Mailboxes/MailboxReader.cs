using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Graph;
using Rollcall.DirectorySync.Sync;

namespace Rollcall.DirectorySync.Mailboxes;

/// <summary>
/// Asks Exchange what mailboxes are for, where the client granted it: the best sign of shared mailboxes and rooms. Beside
/// the syncs and outside the roster's transaction; whatever fails here is tried again and never a failed sync.
/// </summary>
public sealed partial class MailboxReader(
    IServiceScopeFactory scopes,
    MailboxRounds queue,
    GraphBatch batch,
    TimeProvider clock,
    ILogger<MailboxReader> logger
) : BackgroundService
{
    /// <summary>Of one client after one sync; the others come after the next ones.</summary>
    private const int MostPerSync = 200;
    private const int Clients = 4;
    private static readonly TimeSpan Idle = TimeSpan.FromHours(6);
    private static readonly TimeSpan AfterFailure = TimeSpan.FromMinutes(15);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Parallel.ForEachAsync(
            queue.ReadAllAsync(stoppingToken),
            new ParallelOptions { MaxDegreeOfParallelism = Clients, CancellationToken = stoppingToken },
            async (lease, ct) => await TryAsync(lease, ct)
        );

    private async Task TryAsync(SyncLease lease, CancellationToken ct)
    {
        try
        {
            queue.Idle(lease.ClientId, await ReadAsync(lease, ct));
        }
        catch (Exception e) when (e is not OperationCanceledException || !ct.IsCancellationRequested)
        {
            queue.Idle(lease.ClientId, AfterFailure);
            LogFailed(lease.ClientId, (e as GraphException)?.Code ?? e.GetType().Name);
        }
    }

    /// <returns>How long there is nothing to do, unless somebody changes.</returns>
    public async Task<TimeSpan> ReadAsync(SyncLease lease, CancellationToken ct)
    {
        var due = await DueAsync(lease, ct);
        var readings = new List<MailboxReading>(due.Count);
        foreach (var chunk in due.Chunk(GraphBatch.Size))
        {
            var urls = chunk.Select(u => $"/users/{u.ObjectId}/mailboxSettings/userPurpose").ToList();
            var answers = await batch.GetAsync(lease.DirectoryTenantId, urls, ct);
            readings.AddRange(chunk.Zip(answers, (user, answer) => MailboxRules.Read(user.UserId, answer)));
            if (readings.Exists(r => r.Purpose is null))
            {
                // Throttled or down: more of the same would only make it worse.
                break;
            }
        }

        if (readings.Count > 0)
        {
            // All at once: the brake must see what belongs together.
            await KeepAsync(lease, readings, ct);
        }

        if (readings.FindAll(r => r.Purpose is null) is { Count: > 0 } failed)
        {
            return failed.Max(r => r.ReadAgainIn);
        }

        return due.Count == MostPerSync ? TimeSpan.Zero : Idle;
    }

    private Task<List<(Guid UserId, Guid ObjectId)>> DueAsync(SyncLease lease, CancellationToken ct) =>
        InTenantAsync(
            lease,
            async db =>
            {
                var now = clock.GetUtcNow();
                var granted = await db.Connections.AnyAsync(
                    c =>
                        c.ClientId == lease.ClientId
                        && c.State == ConnectionState.Connected
                        && c.GrantedPermissions.Contains(MailboxRules.Permission),
                    ct
                );
                if (!granted)
                {
                    return [];
                }

                var rows = await db
                    .Users.AsNoTracking()
                    .Where(u => u.ClientId == lease.ClientId && u.Authority == Source.Microsoft365)
                    .Where(u => u.State == UserState.Active || u.State == UserState.Disabled)
                    .Where(u => u.Mail != "" && u.DecidedKind == null && u.SuggestedKind != AccountKind.Guest)
                    .Where(u => u.ObjectId != null && (u.MailboxDueAt == null || u.MailboxDueAt <= now))
                    .OrderBy(u => u.MailboxDueAt != null)
                    .ThenBy(u => u.MailboxDueAt)
                    .Select(u => new { u.UserId, ObjectId = u.ObjectId!.Value })
                    .Take(MostPerSync)
                    .ToListAsync(ct);
                return rows.ConvertAll(r => (r.UserId, r.ObjectId));
            },
            ct
        );

    private Task<long> KeepAsync(SyncLease lease, List<MailboxReading> readings, CancellationToken ct) =>
        InTenantAsync(lease, db => new KindChanges(db, lease, clock.GetUtcNow()).LearnAsync(readings, ct), ct);

    private async Task<T> InTenantAsync<T>(
        SyncLease lease,
        Func<DirectoryDbContext, Task<T>> work,
        CancellationToken ct
    )
    {
        await using var scope = scopes.Enter(lease);
        var db = scope.ServiceProvider.GetRequiredService<DirectoryDbContext>();
        await using var transaction = await db.BeginAsync(ct);
        var result = await work(db);
        await db.SaveChangesAsync(ct);
        await transaction.CommitAsync(ct);
        return result;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Client {ClientId}: mailboxes could not be asked, {Code}")]
    private partial void LogFailed(Guid clientId, string code);
}
