using Microsoft.EntityFrameworkCore;
using Npgsql;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Connections;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Graph;

namespace Rollcall.DirectorySync.Sync;

/// <summary>Who of those a round names meets the conditions of the import scope.</summary>
/// <param name="IsWhole">Nobody else does.</param>
public sealed record ImportVerdicts(bool IsWhole, Dictionary<Guid, bool> People)
{
    /// <summary>In the round's transaction, before its people are applied. The client first, as everybody locks it.</summary>
    /// <param name="verdicts">Null without conditions.</param>
    public static Task RecordAsync(
        ImportVerdicts? verdicts,
        NpgsqlConnection connection,
        SyncLease lease,
        CancellationToken ct
    ) => verdicts?.RecordAsync(connection, lease, ct) ?? Task.CompletedTask;

    private async Task RecordAsync(NpgsqlConnection connection, SyncLease lease, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            """
            select 1 from client where client_id = @client for update;
            delete from import_match where client_id = @client and (@whole or object_id = any (@out));
            insert into import_match (msp_id, client_id, object_id) select @msp, @client, unnest(@in)
            on conflict do nothing;
            """,
            connection
        );
        command.Parameters.AddWithValue("msp", lease.MspId);
        command.Parameters.AddWithValue("client", lease.ClientId);
        command.Parameters.AddWithValue("whole", IsWhole);
        command.Parameters.AddWithValue("in", People.Where(p => p.Value).Select(p => p.Key).ToArray());
        command.Parameters.AddWithValue("out", People.Where(p => !p.Value).Select(p => p.Key).ToArray());
        await command.ExecuteNonQueryAsync(ct);
    }
}

/// <summary>
/// Judges people by the conditions of the import scope. Of those outside only ids are kept, so one of whom an entry tells
/// a part that matters, but not all of it, is read whole.
/// </summary>
public sealed class ImportJudge(IServiceScopeFactory scopes, GraphPeople people)
{
    /// <summary>More are not read one by one: everybody is read again.</summary>
    private const int Most = 400;

    /// <summary>Null for a client without conditions.</summary>
    public async Task<ImportVerdicts?> JudgeAsync(SyncLease lease, StreamPages users, CancellationToken ct)
    {
        if (!lease.IsFull && users.IsEmpty)
        {
            return null;
        }

        await using var scope = scopes.Enter(lease);
        var db = scope.ServiceProvider.GetRequiredService<DirectoryDbContext>();
        var judged = new Dictionary<Guid, PropertySet>();
        HashSet<Guid> unknown = [];
        ImportRule? rule;
        await using (await db.BeginAsync(ct))
        {
            rule = await RuleAsync(db, lease.ClientId, ct);
            if (rule is null)
            {
                return null;
            }

            await MergeAsync(db, lease, rule, users.Again?.Found ?? [], judged, unknown, ct);
            await foreach (var page in users.UsersAsync(ct))
            {
                await MergeAsync(db, lease, rule, [.. page], judged, unknown, ct);
            }
        }

        foreach (var (id, entry) in await ReadAsync(lease, unknown, ct))
        {
            judged[id] = entry?.Patch ?? new();
        }

        return new(lease.IsFull, judged.ToDictionary(j => j.Key, j => rule.Covers(j.Value)));
    }

    /// <summary>Of one person, read whole.</summary>
    public async Task<ImportVerdicts?> JudgeAsync(SyncLease lease, UserEntry entry, CancellationToken ct)
    {
        await using var scope = scopes.Enter(lease);
        var db = scope.ServiceProvider.GetRequiredService<DirectoryDbContext>();
        await using var transaction = await db.BeginAsync(ct);
        return await RuleAsync(db, lease.ClientId, ct) is { } rule
            ? new(IsWhole: false, new() { [entry.ObjectId] = rule.Covers(entry.Patch) })
            : null;
    }

    private static async Task<ImportRule?> RuleAsync(DirectoryDbContext db, Guid clientId, CancellationToken ct)
    {
        var json = await db
            .Connections.Where(c => c.ClientId == clientId && c.ImportPeople == ImportedPeople.Matching)
            .Select(c => c.ImportConditions)
            .SingleOrDefaultAsync(ct);
        return json is null ? null : ImportRule.FromJson(json);
    }

    /// <summary>What the entries make of the properties that matter. Of a big directory no others stay in memory.</summary>
    private static async Task MergeAsync(
        DirectoryDbContext db,
        SyncLease lease,
        ImportRule rule,
        UserEntry[] entries,
        Dictionary<Guid, PropertySet> judged,
        HashSet<Guid> unknown,
        CancellationToken ct
    )
    {
        UserEntry[] living = [.. entries.Where(e => e.Removed is null)];
        var ids = living.Select(e => e.ObjectId).Except(judged.Keys).ToArray();
        var (known, outside) = lease.IsFull ? ([], []) : await KnownAsync(db, lease.ClientId, ids, ct);
        foreach (var entry in living)
        {
            var id = entry.ObjectId;
            var told = rule.Places.Count(entry.Patch.Has);
            if (judged.TryGetValue(id, out var before))
            {
                judged[id] = Only(rule, before.With(entry.Patch));
            }
            else if (!outside.Contains(id))
            {
                judged[id] = Only(rule, known.GetValueOrDefault(id, new()).With(entry.Patch));
            }
            else if (told == rule.Places.Length)
            {
                judged[id] = Only(rule, entry.Patch);
            }
            else if (told > 0)
            {
                unknown.Add(id);
            }
        }
    }

    private static PropertySet Only(ImportRule rule, PropertySet all)
    {
        var some = new PropertySet();
        foreach (var place in rule.Places.Where(all.Has))
        {
            some.Set(place, all.Get(place));
        }

        return some;
    }

    private static async Task<(Dictionary<Guid, PropertySet> Known, HashSet<Guid> Outside)> KnownAsync(
        DirectoryDbContext db,
        Guid clientId,
        Guid[] ids,
        CancellationToken ct
    )
    {
        var known = await db
            .Users.AsNoTracking()
            .Where(u => u.ClientId == clientId && u.Authority == Source.Microsoft365)
            .Where(u => u.ObjectId != null && ids.Contains(u.ObjectId.Value))
            .Select(u => new { u.ObjectId, u.Properties })
            .ToListAsync(ct);
        var outside = await db
            .OutsideUsers.Where(o => o.ClientId == clientId && ids.Contains(o.ObjectId))
            .Select(o => o.ObjectId)
            .ToHashSetAsync(ct);
        return (known.ToDictionary(k => k.ObjectId!.Value, k => PropertySet.FromJson(k.Properties)), outside);
    }

    private Task<Dictionary<Guid, UserEntry?>> ReadAsync(
        SyncLease lease,
        HashSet<Guid> unknown,
        CancellationToken ct
    ) =>
        unknown.Count > Most
            ? throw new GraphException(
                GraphFailure.ResyncRequired,
                "MANY_MOVERS",
                $"{unknown.Count} people outside the import scope changed: everybody is read again"
            )
            : people.ReadAsync(lease.DirectoryTenantId, unknown, ct);
}
