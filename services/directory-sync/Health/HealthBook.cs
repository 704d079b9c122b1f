using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Trail;
using Rollcall.Platform;
using StackExchange.Redis;

namespace Rollcall.DirectorySync.Health;

/// <summary>A client's recorded health: written, announced and cached when it changes, and only then.</summary>
public sealed class HealthBook(
    DirectoryDbContext db,
    TenantContext tenant,
    Cache cache,
    OwnTrouble own,
    TimeProvider clock
)
{
    private static readonly TimeSpan CacheLifetime = TimeSpan.FromSeconds(5);

    private SyncHealth? recorded;
    private Guid recordedFor;

    /// <summary>Inside the caller's transaction. Announces the change through the outbox; nothing if there is none.</summary>
    public async Task RecordAsync(Guid clientId, HealthView view, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        var row = await db.Healths.SingleOrDefaultAsync(h => h.ClientId == clientId, ct);
        if (row is null)
        {
            row = new()
            {
                MspId = tenant.MspId,
                ClientId = clientId,
                State = view.State,
                Since = now,
            };
            db.Healths.Add(row);
        }
        else if (new HealthView(row.State, row.Problem, row.ErrorCode, row.Owner, row.Remedy) == view)
        {
            return;
        }
        else
        {
            row.Since = row.State == view.State ? row.Since : now;
            row.Revision++;
        }

        (row.State, row.Problem, row.ErrorCode, row.Owner, row.Remedy) = (
            view.State,
            view.Problem,
            view.ErrorCode,
            view.Owner,
            view.Remedy
        );
        await db.SaveChangesAsync(ct);
        (recorded, recordedFor) = (await ReadAsync(clientId, ct), clientId);
        db.Publish(
            new SyncHealthChanged
            {
                MspId = tenant.MspId.ToString(),
                ClientId = clientId.ToString(),
                OccurTime = now.ToTimestamp(),
                Revision = row.Revision,
                Health = recorded,
            }
        );
    }

    /// <summary>The health of a client that was just read, from what its roster holds back.</summary>
    public static async Task<HealthView> AfterSuccessAsync(DirectoryDbContext db, Guid clientId, CancellationToken ct)
    {
        var staged = await db.StagedRemovals.CountAsync(r => r.ClientId == clientId && r.KeepUntil == null, ct);
        var escrowed = await db
            .Escrows.Where(e => e.ClientId == clientId)
            .GroupBy(e => e.Source)
            .ToDictionaryAsync(g => g.Key, g => g.Count(), ct);
        return HealthRules.AfterSuccess(
            staged,
            escrowed.Values.Sum(),
            escrowed.GetValueOrDefault(Source.Csv),
            await GroupsMissingAsync(db, clientId, ct),
            await EscrowBook.Tangled(db, clientId).CountAsync(ct)
        );
    }

    /// <summary>
    /// After a change that was no sync. A decision about people mends no connection: what fails goes on saying so.
    /// </summary>
    public async Task SettleAsync(Guid clientId, CancellationToken ct)
    {
        var held = await db.Healths.AnyAsync(
            h => h.ClientId == clientId && (h.State == HealthState.Healthy || h.State == HealthState.Degraded),
            ct
        );
        if (held && !await db.ClientSyncs.AnyAsync(s => s.ClientId == clientId && s.Failures > 0, ct))
        {
            await RecordAsync(clientId, await AfterSuccessAsync(db, clientId, ct), ct);
            await db.SaveChangesAsync(ct);
        }
    }

    /// <summary>Groups the import scope rests on, which the directory does not have.</summary>
    private static async Task<int> GroupsMissingAsync(DirectoryDbContext db, Guid clientId, CancellationToken ct)
    {
        var wanted = await db
            .Connections.Where(c => c.ClientId == clientId && c.ImportPeople == ImportedPeople.Members)
            .Select(c => c.ImportPeopleGroups)
            .SingleOrDefaultAsync(ct);
        return wanted is null
            ? 0
            : wanted.Count
                - await db.Groups.CountAsync(
                    g => g.ClientId == clientId && !g.Removed && wanted.Contains(g.ObjectId),
                    ct
                );
    }

    /// <summary>The health as people see it, from the cache if it is fresh there.</summary>
    public async Task<SyncHealth> GetAsync(Guid clientId, CancellationToken ct)
    {
        var cached = RedisValue.Null;
        await cache.TryAsync(async redis => cached = await redis.StringGetAsync(Key(clientId)));
        if (cached.HasValue)
        {
            return WithOwn(SyncHealth.Parser.ParseFrom((byte[])cached!), clientId);
        }

        var health = await ReadAsync(clientId, ct);

        // Only where nothing is: a writer may have committed since we read.
        await cache.TryAsync(redis =>
            redis.StringSetAsync(Key(clientId), health.ToByteArray(), CacheLifetime, When.NotExists)
        );
        return WithOwn(health, clientId);
    }

    /// <summary>What our own database could not be told is not in it.</summary>
    private SyncHealth WithOwn(SyncHealth health, Guid clientId)
    {
        if (own.Find(clientId, health.LastSuccessTime?.ToDateTimeOffset()) is { } view)
        {
            (health.State, health.Problem, health.ErrorCode) = (view.State, view.Problem, view.ErrorCode);
            (health.Owner, health.Remedy) = (view.Owner, view.Remedy);
        }

        return health;
    }

    /// <summary>After the commit: what was recorded replaces what the cache has.</summary>
    public async Task CommittedAsync()
    {
        if (recorded is { } health)
        {
            await cache.TryAsync(redis => redis.StringSetAsync(Key(recordedFor), health.ToByteArray(), CacheLifetime));
        }
    }

    private async Task<SyncHealth> ReadAsync(Guid clientId, CancellationToken ct)
    {
        var row = await db.Healths.AsNoTracking().SingleOrDefaultAsync(h => h.ClientId == clientId, ct);
        var sync = await db.ClientSyncs.AsNoTracking().SingleOrDefaultAsync(s => s.ClientId == clientId, ct);
        var client = await db.Clients.AsNoTracking().SingleAsync(c => c.ClientId == clientId, ct);
        var view = row is null
            ? HealthView.AwaitingConsent
            : new HealthView(row.State, row.Problem, row.ErrorCode, row.Owner, row.Remedy);

        // By the clock that the last success was written with.
        var sinceSuccess = clock.GetUtcNow() - (sync?.LastSuccessAt ?? DateTimeOffset.MaxValue);
        if (sync is not null && HealthRules.IsLate(view.State, sinceSuccess, sync.Every))
        {
            view = HealthRules.AsLate(view);
        }

        return new()
        {
            State = view.State,
            SinceTime = (row?.Since ?? client.CreatedAt).ToTimestamp(),
            LastSuccessTime = sync?.LastSuccessAt?.ToTimestamp(),
            NextAttemptTime = sync?.NextAt.ToTimestamp(),
            Problem = view.Problem,
            ErrorCode = view.ErrorCode,
            Owner = view.Owner,
            Remedy = view.Remedy,
            ConsecutiveFailures = sync?.Failures ?? 0,
            RosterVersion = client.RosterVersion,
        };
    }

    private RedisKey Key(Guid clientId) => $"rollcall:{tenant.MspId}:{clientId}:health";
}
