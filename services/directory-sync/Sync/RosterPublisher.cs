using System.Runtime.CompilerServices;
using Google.Protobuf.WellKnownTypes;
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

    /// <returns>The version minted; 0 if nothing was touched.</returns>
    public async Task<long> PublishAsync(
        NpgsqlConnection connection,
        SyncLease lease,
        long version,
        DateTimeOffset now,
        CancellationToken ct
    )
    {
        var (users, groups) = await CountAsync(connection, ct);
        if (users + groups == 0)
        {
            return 0;
        }

        await using (var mint = Command(connection, Mint, lease.ClientId, version))
        {
            await mint.ExecuteNonQueryAsync(ct);
        }

        var groupParts = (int)((groups + PartSize - 1) / PartSize);
        var parts = groupParts + (int)((users + PartSize - 1) / PartSize);
        var part = 0;
        await foreach (var chunk in GroupsAsync(connection, lease.ClientId, ct))
        {
            await WriteAsync(lease, version, ++part, parts, now, m => m.Groups.AddRange(chunk), ct);
        }

        await using (var resolve = Command(connection, Resolve, lease.ClientId, version))
        {
            await resolve.ExecuteNonQueryAsync(ct);
        }

        await foreach (
            var chunk in RosterReader.PagesAsync(connection, lease.ClientId, RosterReader.Touched, PartSize, ct)
        )
        {
            await WriteAsync(lease, version, ++part, parts, now, m => m.Users.AddRange(chunk), ct);
        }

        return version;
    }

    private async Task WriteAsync(
        SyncLease lease,
        long version,
        int part,
        int parts,
        DateTimeOffset now,
        Action<RosterChanged> fill,
        CancellationToken ct
    )
    {
        var message = new RosterChanged
        {
            MspId = lease.MspId.ToString(),
            ClientId = lease.ClientId.ToString(),
            OccurTime = now.ToTimestamp(),
            RosterVersion = version,
            Part = part,
            Parts = parts,
        };
        fill(message);
        db.Publish(message);
        await db.SaveChangesAsync(ct);
        db.ChangeTracker.Clear();
    }

    private static async Task<(long Users, long Groups)> CountAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            "select (select count(*) from t_touched), (select count(*) from t_group_changed)",
            connection
        );
        await using var reader = await command.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        return (reader.GetInt64(0), reader.GetInt64(1));
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
                select g.group_id, g.revision, g.display_name, g.object_id, g.security_enabled, g.dynamic, g.removed
                from t_group_changed c join directory_group g on g.client_id = @client and g.group_id = c.group_id
                order by g.group_id
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
        var command = new NpgsqlCommand(sql, connection);
        command.Parameters.AddWithValue("client", client);
        command.Parameters.AddWithValue("version", version);
        return command;
    }

    private const string Mint = """
        update client set roster_version = @version where client_id = @client;
        update directory_user u set revision = @version from t_touched t
        where u.client_id = @client and u.user_id = t.user_id and u.revision <> @version;
        analyze t_touched;
        """;

    /// <summary>Groups of each touched user, through nested groups (cycles end by themselves), and reports of each manager.</summary>
    private const string Resolve = """
        create temp table t_user_groups on commit drop as
        with recursive above (object_id, ancestor) as (
          select g.object_id, g.object_id from directory_group g where g.client_id = @client and not g.removed
          union
          select a.object_id, m.group_object_id from above a
          join membership m on m.client_id = @client and m.member_object_id = a.ancestor and m.member_type = 2
          join directory_group g on g.client_id = @client and g.object_id = m.group_object_id and not g.removed)
        select u.user_id, array_agg(distinct g.group_id order by g.group_id) as group_ids
        from t_touched t
        join directory_user u on u.client_id = @client and u.user_id = t.user_id
        join membership m on m.client_id = @client and m.member_object_id = u.object_id
        join above a on a.object_id = m.group_object_id
        join directory_group g on g.client_id = @client and g.object_id = a.ancestor
        group by u.user_id;
        alter table t_user_groups add primary key (user_id);

        create temp table t_reports on commit drop as
        select manager_object_id, count(*)::int as reports from directory_user
        where client_id = @client and state = 1 and manager_object_id is not null
        group by manager_object_id;
        alter table t_reports add primary key (manager_object_id);
        analyze t_user_groups;
        analyze t_reports;
        """;
}
