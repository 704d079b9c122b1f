using Google.Protobuf.WellKnownTypes;
using Npgsql;
using Rollcall.Api.Directory.V1;

namespace Rollcall.DirectorySync.Sync;

/// <summary>Reads users of the roster as rollcall.directory.v1.User, for events and for the API alike.</summary>
public static class RosterReader
{
    private const string Columns = """
        select u.user_id, u.revision, u.state, u.kind, u.kind_evidence, u.authority, u.external_id, u.display_name, u.mail,
          u.properties, m.user_id, coalesce(r.reports, 0), coalesce(g.group_ids, '{}'), u.state_at,
          u.first_seen_at, u.staged, u.escrow_reason, u.outside_import, u.suggested_kind, u.decided_kind,
          u.kind_decided_by, u.kind_reason, u.kind_decided_at
        """;

    /// <summary>
    /// Inside a round: the users it touched, with managers and reports resolved set by set, and the object ids of the
    /// groups they are in directly.
    /// </summary>
    public const string Touched = $"""
        with u as (select u.* from {Sync.Touched.Some})
        {Columns}
        from u
        left join (
          select object_id, user_id from directory_user
          where client_id = @client and object_id {Sync.Touched.IsManager}) m on m.object_id = u.manager_object_id
        left join (
          select manager_object_id, count(*)::int as reports from directory_user
          where client_id = @client and state = 1 and manager_object_id {Sync.Touched.IsOne}
          group by 1) r on r.manager_object_id = u.object_id
        left join (
          select member_object_id, array_agg(group_object_id) as group_ids from membership
          where client_id = @client and member_object_id {Sync.Touched.IsOne}
          group by 1) g on g.member_object_id = u.object_id
        """;

    /// <summary>For readers: any users, with groups and reports resolved user by user.</summary>
    public const string Roster = $$"""
        {{Columns}}
        from directory_user u
        left join directory_user m on m.client_id = @client and m.object_id = u.manager_object_id
        left join lateral (
          select count(*)::int as reports from directory_user x
          where x.client_id = @client and x.manager_object_id = u.object_id and x.state = 1) r on true
        left join lateral (
          with recursive above (object_id) as (
            select e.group_object_id from membership e
            join directory_group x on x.client_id = @client and x.object_id = e.group_object_id and not x.removed
            where e.client_id = @client and e.member_object_id = u.object_id
            union
            select e.group_object_id from above a
            join membership e on e.client_id = @client and e.member_object_id = a.object_id and e.held_at is null
            join directory_group x on x.client_id = @client and x.object_id = e.group_object_id and not x.removed)
          select array_agg(x.group_id order by x.group_id) as group_ids
          from above a join directory_group x on x.client_id = @client and x.object_id = a.object_id and x.imported) g on true
        where u.client_id = @client and u.user_id > @after
          and (@state = 0 or u.state = @state)
          and (@kind = 0 or u.kind = @kind)
          and (not @unconfirmed or ((u.decided_kind is null or u.kind_decided_by = '{{RosterWriter.Brakeman}}') and u.suggested_kind <> 1))
          and (@user = '00000000-0000-0000-0000-000000000000' or u.user_id = @user)
          and (@query = '' or starts_with(lower(u.display_name), lower(@query)) or starts_with(u.mail, lower(@query)))
          and (@group = '00000000-0000-0000-0000-000000000000' or @group = any (g.group_ids))
        order by u.user_id limit @limit
        """;

    /// <summary>One page of the query, in id order.</summary>
    public static async Task<List<User>> PageAsync(
        NpgsqlConnection connection,
        Guid client,
        string sql,
        Guid after,
        int size,
        CancellationToken ct,
        params NpgsqlParameter[] filter
    )
    {
        await using var command = new NpgsqlCommand(sql, connection);
        command.Parameters.AddWithValue("client", client);
        command.Parameters.AddWithValue("after", after);
        command.Parameters.AddWithValue("limit", size);
        command.Parameters.AddRange(filter);
        return [.. (await ReadAsync(command, ct)).Select(r => r.ToUser())];
    }

    public static async Task<List<UserRow>> ReadAsync(NpgsqlCommand command, CancellationToken ct)
    {
        List<UserRow> users = [];
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            users.Add(new(ReadUser(reader), await reader.GetFieldValueAsync<byte[]>(9, ct), (Guid[])reader[12]));
        }

        return users;
    }

    public static Group ReadGroup(NpgsqlDataReader reader) =>
        new()
        {
            Id = reader.GetGuid(0).ToString(),
            Revision = reader.GetInt64(1),
            DisplayName = reader.GetString(2),
            ExternalId = reader.GetGuid(3).ToString(),
            SecurityEnabled = reader.GetBoolean(4),
            Dynamic = reader.GetBoolean(5),
            Removed = reader.GetBoolean(6),
        };

    private static User ReadUser(NpgsqlDataReader reader) =>
        new()
        {
            Id = reader.GetGuid(0).ToString(),
            Revision = reader.GetInt64(1),
            State = (UserState)reader.GetInt32(2),
            Kind = (AccountKind)reader.GetInt32(3),
            KindEvidence = reader.GetString(4),
            Authority = (Source)reader.GetInt32(5),
            ExternalId = reader.GetString(6),
            DisplayName = reader.GetString(7),
            Mail = reader.GetString(8),
            ManagerId = (reader[10] as Guid?)?.ToString() ?? "",
            DirectReports = reader.GetInt32(11),
            StateTime = Timestamp.FromDateTime(reader.GetDateTime(13)),
            FirstSeenTime = Timestamp.FromDateTime(reader.GetDateTime(14)),
            StagedForRemoval = reader.GetBoolean(15),
            EscrowReason = reader.GetString(16),
            OutsideImportScope = reader.GetBoolean(17),
            SuggestedKind = (AccountKind)reader.GetInt32(18),
            KindDecision = ReadDecision(reader),
        };

    private static KindDecision? ReadDecision(NpgsqlDataReader reader) =>
        reader[19] is int kind
            ? new()
            {
                Kind = (AccountKind)kind,
                DecidedBy = reader.GetString(20),
                Reason = reader.GetString(21),
                DecideTime = Timestamp.FromDateTime(reader.GetDateTime(22)),
            }
            : null;
}
