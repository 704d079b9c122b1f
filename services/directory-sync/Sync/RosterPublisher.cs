using System.Runtime.CompilerServices;
using Google.Protobuf.WellKnownTypes;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.Extensions.Options;
using Npgsql;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Data;

namespace Rollcall.DirectorySync.Sync;

/// <summary>
/// Mints a roster version from the tables t_touched and t_group_changed and puts it into the outbox, in parts of 500,
/// each user as everybody else is to see it: with manager, reports and groups resolved.
/// </summary>
public sealed class RosterPublisher(DirectoryDbContext db)
{
    private const int PartSize = 500;
    private const int PageSize = 5 * PartSize;
    private const int FewUsers = 200;

    private SyncOptions Options => db.GetService<IOptions<SyncOptions>>().Value;

    /// <returns>The version minted; 0 if nothing was touched.</returns>
    public async Task<long> PublishAsync(
        NpgsqlConnection connection,
        SyncLease lease,
        long version,
        DateTimeOffset now,
        CancellationToken ct
    )
    {
        await new Nestings(connection, lease.ClientId, now).SettleAsync(Options, ct);
        var (users, groups) = await CountAsync(connection, ct);
        var (outside, changed) = await OutsideAsync(connection, lease.ClientId, ct);
        if (users + groups == 0 && !changed)
        {
            return 0;
        }

        var groupParts = (int)((groups + PartSize - 1) / PartSize);
        var parts = Math.Max(1, groupParts + (int)((users + PartSize - 1) / PartSize));
        var first = new RosterChanged
        {
            MspId = lease.MspId.ToString(),
            ClientId = lease.ClientId.ToString(),
            OccurTime = now.ToTimestamp(),
            RosterVersion = version,
            Parts = parts,
        };
        if (outside is { } count)
        {
            first.OutsideImportCount = count;
        }

        await WriteAsync(connection, lease.ClientId, first, many: users > FewUsers, ct);
        return version;
    }

    private async Task WriteAsync(
        NpgsqlConnection connection,
        Guid client,
        RosterChanged first,
        bool many,
        CancellationToken ct
    )
    {
        await using (var mint = Command(connection, For(many, Mint), client, first.RosterVersion))
        {
            await mint.ExecuteNonQueryAsync(ct);
        }

        var part = 0;
        await foreach (var chunk in GroupsAsync(connection, client, ct))
        {
            await WriteAsync(first, ++part, m => m.Groups.AddRange(chunk), ct);
        }

        await using (var resolve = Command(connection, For(many, Resolve), client, first.RosterVersion))
        {
            await resolve.ExecuteNonQueryAsync(ct);
        }

        await foreach (var page in TouchedAsync(connection, client, ct))
        {
            foreach (var chunk in page.Chunk(PartSize))
            {
                await WriteAsync(first, ++part, m => m.Users.AddRange(chunk), ct);
            }
        }

        if (part == 0)
        {
            // Nobody of the roster changed, only how many are outside.
            await WriteAsync(first, ++part, _ => { }, ct);
        }
    }

    private async Task WriteAsync(RosterChanged head, int part, Action<RosterChanged> fill, CancellationToken ct)
    {
        var message = head.Clone();
        message.Part = part;
        fill(message);
        db.Publish(message);
        await db.SaveChangesAsync(ct);
        db.ChangeTracker.Clear();
    }

    private static async Task<(long Users, long Groups)> CountAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            "select (select count(*) from t_touched), (select count(*) from t_group_changed where told)",
            connection
        );
        await using var reader = await command.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        return (reader.GetInt64(0), reader.GetInt64(1));
    }

    /// <summary>How many the import scope leaves out who never were in the roster; null without a directory.</summary>
    private static async Task<(long? Count, bool Changed)> OutsideAsync(
        NpgsqlConnection connection,
        Guid client,
        CancellationToken ct
    )
    {
        await using var command = Command(connection, Outside, client, version: 0);
        await using var reader = await command.ExecuteReaderAsync(ct);
        return await reader.ReadAsync(ct) ? (reader.GetInt64(0), reader.GetBoolean(1)) : (null, false);
    }

    /// <summary>One query for all of them, read in pages through a cursor: between two pages the outbox is written.</summary>
    private static async IAsyncEnumerable<List<User>> TouchedAsync(
        NpgsqlConnection connection,
        Guid client,
        [EnumeratorCancellation] CancellationToken ct
    )
    {
        await using (
            var declare = Command(
                connection,
                "set local cursor_tuple_fraction = 1; declare touched no scroll cursor for "
                    + RosterReader.Touched.Replace("@client", $"'{client}'", StringComparison.Ordinal),
                client,
                version: 0
            )
        )
        {
            await declare.ExecuteNonQueryAsync(ct);
        }

        await using var fetch = Command(connection, $"fetch {PageSize} from touched", client, version: 0);
        while (await RosterReader.ReadAsync(fetch, ct) is [_, ..] page)
        {
            yield return page;
        }

        await using var close = new NpgsqlCommand("close touched", connection);
        await close.ExecuteNonQueryAsync(ct);
    }

    private static async IAsyncEnumerable<List<Group>> GroupsAsync(
        NpgsqlConnection connection,
        Guid client,
        [EnumeratorCancellation] CancellationToken ct
    )
    {
        var groups = new List<Group>();
        await using (
            var command = Command(
                connection,
                """
                select g.group_id, g.revision, g.display_name, g.object_id, g.security_enabled, g.dynamic,
                  g.removed or not g.imported
                from t_group_changed c join directory_group g on g.client_id = @client and g.group_id = c.group_id
                where c.told order by g.group_id
                """,
                client,
                version: 0
            )
        )
        await using (var reader = await command.ExecuteReaderAsync(ct))
        {
            while (await reader.ReadAsync(ct))
            {
                groups.Add(RosterReader.ReadGroup(reader));
            }
        }

        foreach (var chunk in groups.Chunk(PartSize))
        {
            yield return [.. chunk];
        }
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, Guid client, long version)
    {
        var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        command.Parameters.AddWithValue("client", client);
        command.Parameters.AddWithValue("version", version);
        return command;
    }

    private const string Outside = """
        with outsiders as (
          select count(*) as n from outside_user o
          where o.client_id = @client
            and not exists (select 1 from directory_user u where u.client_id = @client and u.object_id = o.object_id)),
        told as (
          update connection c set outside_count = o.n from outsiders o
          where c.client_id = @client and c.outside_count <> o.n returning 1)
        select o.n, exists (select 1 from told) from outsiders o
        where exists (select 1 from connection where client_id = @client and directory_tenant_id is not null)
        """;

    /// <summary>Of a few users the planner need not know more than that they are few.</summary>
    private static string For(bool many, string sql) =>
        many
            ? sql
            : string.Join('\n', sql.Split('\n').Where(line => !line.StartsWith("analyze", StringComparison.Ordinal)));

    private const string Mint = """
        update client set roster_version = @version where client_id = @client;
        update directory_user u set revision = @version from t_touched t
        where u.client_id = @client and u.user_id = t.user_id and u.revision <> @version and @version > 1;
        analyze t_touched;
        """;

    /// <summary>Groups of each touched user, through nested groups (cycles end by themselves), and reports of each manager.</summary>
    private const string Resolve = """
        insert into t_live (object_id, group_id, imported)
        select object_id, group_id, imported from directory_group where client_id = @client and not removed;
        insert into t_nested (member_object_id, group_object_id)
        select m.member_object_id, m.group_object_id from membership m
        join t_live g on g.object_id = m.group_object_id
        where m.client_id = @client and m.member_type = 2 and m.held_at is null;
        analyze t_live, t_nested;

        insert into t_above (object_id, group_id)
        with recursive above (object_id, ancestor) as (
          select object_id, object_id from t_live
          union
          select a.object_id, n.group_object_id from above a join t_nested n on n.member_object_id = a.ancestor)
        select a.object_id, g.group_id from above a join t_live g on g.object_id = a.ancestor and g.imported;
        insert into t_people (user_id, object_id)
        select u.user_id, u.object_id from t_touched t
        join directory_user u on u.client_id = @client and u.user_id = t.user_id;
        analyze t_above, t_people;

        insert into t_user_groups (user_id, group_ids)
        select p.user_id, array_agg(distinct a.group_id order by a.group_id) as group_ids
        from t_people p
        join membership m on m.client_id = @client and m.member_object_id = p.object_id
        join t_above a on a.object_id = m.group_object_id
        group by p.user_id;

        insert into t_reports (manager_object_id, reports)
        select manager_object_id, count(*)::int as reports from directory_user
        where client_id = @client and state = 1 and manager_object_id is not null
        group by manager_object_id;
        analyze t_user_groups;
        analyze t_reports;
        """;
}
