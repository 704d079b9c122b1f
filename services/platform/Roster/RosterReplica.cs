using System.Runtime.CompilerServices;
using Google.Protobuf;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using NpgsqlTypes;
using Rollcall.Api.Directory.V1;

namespace Rollcall.Platform;

/// <summary>
/// A service's own copy of a client's roster, kept by RosterChanged. Parts wait until their version is complete and
/// every earlier one is applied, so that nobody ever looks at half a version.
/// </summary>
public static class RosterReplica
{
    /// <summary>
    /// Keeps the part and applies whatever is complete now. <paramref name="apply"/> sees each part, in order, after the
    /// copy has it; the part whose number equals its parts is the version's last.
    /// </summary>
    /// <returns>The newest version applied by this call; null if it completed none.</returns>
    public static async Task<long?> ReceiveRosterAsync(
        this ServiceDbContext db,
        RosterChanged message,
        Func<RosterChanged, Task> apply,
        CancellationToken ct
    )
    {
        var (msp, client) = (Guid.Parse(message.MspId), Guid.Parse(message.ClientId));
        var applied = await LockVersionAsync(db, msp, client, ct);
        if (message.RosterVersion <= applied)
        {
            return null;
        }

        await db.Database.ExecuteSqlAsync(
            $"""
            insert into roster_part (msp_id, client_id, version, part, parts, body)
            values ({msp}, {client}, {message.RosterVersion}, {message.Part}, {message.Parts}, {message.ToByteArray()})
            on conflict do nothing
            """,
            ct
        );

        long? newest = null;
        while (await IsCompleteAsync(db, client, applied + 1, ct))
        {
            applied++;
            newest = applied;
            await ApplyVersionAsync(db, msp, client, applied, apply, ct);
        }

        return newest;
    }

    /// <summary>The newest version this service has applied; 0 before the first.</summary>
    public static async Task<long> RosterVersionAsync(this ServiceDbContext db, Guid clientId, CancellationToken ct) =>
        await db.Set<RosterVersion>()
            .Where(v => v.ClientId == clientId)
            .Select(v => v.Applied)
            .SingleOrDefaultAsync(ct);

    public static async Task<User?> RosterUserAsync(
        this ServiceDbContext db,
        Guid clientId,
        Guid userId,
        CancellationToken ct
    ) =>
        await db.Set<RosterUser>()
            .Where(u => u.ClientId == clientId && u.UserId == userId)
            .Select(u => u.Body)
            .SingleOrDefaultAsync(ct)
            is { } body
            ? User.Parser.ParseFrom(body)
            : null;

    /// <summary>The named users, those the roster has.</summary>
    public static async Task<List<User>> RosterUsersAsync(
        this ServiceDbContext db,
        Guid clientId,
        IReadOnlyCollection<Guid> userIds,
        CancellationToken ct
    )
    {
        var bodies = await db.Set<RosterUser>()
            .Where(u => u.ClientId == clientId && userIds.Contains(u.UserId))
            .Select(u => u.Body)
            .ToListAsync(ct);
        return [.. bodies.Select(User.Parser.ParseFrom)];
    }

    /// <summary>All users in id order, page by page, so that memory stays flat.</summary>
    public static async IAsyncEnumerable<List<User>> RosterPagesAsync(
        this ServiceDbContext db,
        Guid clientId,
        [EnumeratorCancellation] CancellationToken ct
    )
    {
        var after = Guid.Empty;
        while (true)
        {
            var page = await db.Set<RosterUser>()
                .AsNoTracking()
                .Where(u => u.ClientId == clientId && u.UserId > after)
                .OrderBy(u => u.UserId)
                .Take(500)
                .ToListAsync(ct);
            if (page.Count == 0)
            {
                yield break;
            }

            after = page[^1].UserId;
            yield return [.. page.Select(u => User.Parser.ParseFrom(u.Body))];
        }
    }

    public static async Task<List<Group>> RosterGroupsAsync(
        this ServiceDbContext db,
        Guid clientId,
        CancellationToken ct
    )
    {
        var bodies = await db.Set<RosterGroup>().Where(g => g.ClientId == clientId).Select(g => g.Body).ToListAsync(ct);
        return [.. bodies.Select(Group.Parser.ParseFrom)];
    }

    /// <summary>The applied version, its row locked: one part of a client at a time.</summary>
    private static async Task<long> LockVersionAsync(ServiceDbContext db, Guid msp, Guid client, CancellationToken ct)
    {
        await db.Database.ExecuteSqlAsync(
            $"insert into roster_version (msp_id, client_id, applied) values ({msp}, {client}, 0) on conflict do nothing",
            ct
        );
        return await db
            .Database.SqlQuery<long>(
                $"""select applied as "Value" from roster_version where client_id = {client} for update"""
            )
            .SingleAsync(ct);
    }

    private static Task<bool> IsCompleteAsync(ServiceDbContext db, Guid client, long version, CancellationToken ct) =>
        db
            .Database.SqlQuery<bool>(
                $"""
                select coalesce(count(*) = max(parts), false) as "Value"
                from roster_part where client_id = {client} and version = {version}
                """
            )
            .SingleAsync(ct);

    private static async Task ApplyVersionAsync(
        ServiceDbContext db,
        Guid msp,
        Guid client,
        long version,
        Func<RosterChanged, Task> apply,
        CancellationToken ct
    )
    {
        var parts = await db.Set<RosterPart>()
            .Where(p => p.ClientId == client && p.Version == version)
            .OrderBy(p => p.Part)
            .Select(p => p.Part)
            .ToListAsync(ct);
        foreach (var number in parts)
        {
            var body = await db.Set<RosterPart>()
                .Where(p => p.ClientId == client && p.Version == version && p.Part == number)
                .Select(p => p.Body)
                .SingleAsync(ct);
            var part = RosterChanged.Parser.ParseFrom(body);
            await UpsertAsync(db, msp, client, part, ct);
            await apply(part);
        }

        await db.Database.ExecuteSqlAsync(
            $"""
            update roster_version set applied = {version}, occurred_at = now() where client_id = {client};
            delete from roster_part where client_id = {client} and version <= {version}
            """,
            ct
        );
    }

    /// <summary>Writes the users and groups that are newer than what the copy has.</summary>
    internal static async Task UpsertAsync(
        ServiceDbContext db,
        Guid msp,
        Guid client,
        RosterChanged part,
        CancellationToken ct
    )
    {
        await UpsertAsync(
            db,
            "roster_user",
            "user_id",
            msp,
            client,
            [.. part.Users.Select(u => (Guid.Parse(u.Id), u.Revision, (short)u.State, u.ToByteArray()))],
            ct
        );
        await UpsertAsync(
            db,
            "roster_group",
            "group_id",
            msp,
            client,
            [.. part.Groups.Select(g => (Guid.Parse(g.Id), g.Revision, (short)(g.Removed ? 1 : 0), g.ToByteArray()))],
            ct
        );
    }

    private static async Task UpsertAsync(
        ServiceDbContext db,
        string table,
        string key,
        Guid msp,
        Guid client,
        List<(Guid Id, long Revision, short State, byte[] Body)> rows,
        CancellationToken ct
    )
    {
        if (rows.Count == 0)
        {
            return;
        }

#pragma warning disable EF1002 // table and key are the constants above
        await db.Database.ExecuteSqlRawAsync(
            $"""
            insert into {table} as t (msp_id, client_id, {key}, revision, state, body)
            select @msp, @client, r.* from unnest(@ids, @revisions, @states, @bodies) as r
            on conflict (client_id, {key}) do update
            set revision = excluded.revision, state = excluded.state, body = excluded.body
            where excluded.revision > t.revision
            """,
            [
                new NpgsqlParameter("msp", msp),
                new NpgsqlParameter("client", client),
                new NpgsqlParameter("ids", rows.Select(r => r.Id).ToArray()),
                new NpgsqlParameter("revisions", rows.Select(r => r.Revision).ToArray()),
                new NpgsqlParameter("states", rows.Select(r => r.State).ToArray()),
                new NpgsqlParameter("bodies", NpgsqlDbType.Array | NpgsqlDbType.Bytea)
                {
                    Value = rows.Select(r => r.Body).ToArray(),
                },
            ],
            ct
        );
#pragma warning restore EF1002
    }
}
