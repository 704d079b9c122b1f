using Npgsql;

namespace Rollcall.DirectorySync.Sync;

/// <summary>
/// Inside a round, before anybody's groups are resolved: nestings that would lead beyond <see cref="NestingLimit"/> are
/// held, those that no longer do are let in. A held one stays in the roster's edges but is not followed, so people are in
/// the groups they were in, and nobody loses one.
/// </summary>
internal sealed class Nestings(NpgsqlConnection connection, Guid clientId, DateTimeOffset now)
{
    /// <param name="options">Gives the limit.</param>
    public async Task SettleAsync(SyncOptions options, CancellationToken ct)
    {
        var (nestings, waiting) = await LoadAsync(ct);
        if (!nestings.Exists(n => n.IsNew))
        {
            return;
        }

        var limit = new NestingLimit(nestings, await PeopleAsync(nestings, ct));
        long most = options.MostInherited;
        for (var all = false; !all && limit.Exceeds(most); )
        {
            // Counting everybody takes long, and mostly a part of them is enough.
            var enough = 4 * most / options.MostInheritedEach;
            var people = await PeopleAsync(enough, ct);
            all = people < enough;
            most = Math.Max(most, people * options.MostInheritedEach);
        }

        var held = limit.Hold(most);
        await SaveAsync(Enumerable.Range(0, nestings.Count).Where(i => held[i] != waiting[i]), nestings, held, ct);
    }

    private async Task<(List<Nesting> Nestings, List<bool> Waiting)> LoadAsync(CancellationToken ct)
    {
        List<Nesting> nestings = [];
        List<bool> waiting = [];
        await using var command = Command(Load);
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            nestings.Add(new(reader.GetGuid(0), reader.GetGuid(1), reader.GetBoolean(3)));
            waiting.Add(reader.GetBoolean(2));
        }

        return (nestings, waiting);
    }

    private async Task<Dictionary<Guid, int>> PeopleAsync(List<Nesting> nestings, CancellationToken ct)
    {
        await using var command = Command(
            """
            select group_object_id, count(*)::int from membership
            where client_id = @client and group_object_id = any (@groups) and member_type = 1
            group by group_object_id
            """
        );
        command.Parameters.AddWithValue("groups", nestings.Select(n => n.Member).Distinct().ToArray());
        var people = new Dictionary<Guid, int>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            people[reader.GetGuid(0)] = reader.GetInt32(1);
        }

        return people;
    }

    private async Task<long> PeopleAsync(long enough, CancellationToken ct)
    {
        await using var command = Command(
            "select count(*) from (select from directory_user where client_id = @client and state in (1, 2) limit @enough) u"
        );
        command.Parameters.AddWithValue("enough", enough);
        return (long)(await command.ExecuteScalarAsync(ct))!;
    }

    private async Task SaveAsync(IEnumerable<int> differ, List<Nesting> nestings, bool[] held, CancellationToken ct)
    {
        foreach (var change in differ.ToLookup(i => held[i]))
        {
            await using var command = Command(change.Key ? Hold : Free);
            command.Parameters.AddWithValue("members", change.Select(i => nestings[i].Member).ToArray());
            command.Parameters.AddWithValue("groups", change.Select(i => nestings[i].Group).ToArray());
            command.Parameters.AddWithValue("now", now);
            await command.ExecuteNonQueryAsync(ct);
        }
    }

    private NpgsqlCommand Command(string sql)
    {
        var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        command.Parameters.AddWithValue("client", clientId);
        return command;
    }

    /// <summary>
    /// New is what this round brought, or brought back with one of its groups, and what waits already. Without any of it,
    /// as mostly, none is looked at.
    /// </summary>
    private const string Load = """
        with live as (select object_id from directory_group where client_id = @client and not removed),
        fresh as (select object_id from t_group_changed where action in (1, 4))
        select m.member_object_id, m.group_object_id, m.held_at is not null,
          m.held_at is not null or m.member_object_id in (select object_id from fresh)
            or m.group_object_id in (select object_id from fresh)
            or (m.group_object_id, m.member_object_id) in (
              select group_object_id, member_object_id from t_edge_changed where member_type = 2 and not removed)
        from membership m
        join live l on l.object_id = m.member_object_id
        join live g on g.object_id = m.group_object_id
        where m.client_id = @client and m.member_type = 2
          and (exists (select 1 from fresh)
            or exists (select 1 from t_edge_changed where member_type = 2 and not removed)
            or exists (select 1 from membership where client_id = @client and held_at is not null))
        order by m.group_object_id, m.member_object_id
        """;

    private const string Hold = """
        update membership m set held_at = @now
        from unnest(@members, @groups) n (member_id, group_id)
        where m.client_id = @client and m.group_object_id = n.group_id and m.member_object_id = n.member_id
        """;

    /// <summary>Everybody below is in more groups than before.</summary>
    private const string Free = """
        update membership m set held_at = null
        from unnest(@members, @groups) n (member_id, group_id)
        where m.client_id = @client and m.group_object_id = n.group_id and m.member_object_id = n.member_id;

        with recursive below (object_id) as (
          select unnest(@members)
          union
          select m.member_object_id from membership m
          join below b on m.client_id = @client and m.group_object_id = b.object_id
          where m.member_type = 2)
        insert into t_touched
        select u.user_id from below b
        join membership m on m.client_id = @client and m.group_object_id = b.object_id and m.member_type = 1
        join directory_user u on u.client_id = @client and u.object_id = m.member_object_id
        on conflict do nothing;
        """;
}
