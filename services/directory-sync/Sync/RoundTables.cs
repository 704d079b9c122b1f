using Npgsql;

namespace Rollcall.DirectorySync.Sync;

/// <summary>
/// The temporary tables a round works in. They are made once and stay with the connection: making them costs more than
/// anything else a small round does. Outside of a round they are empty.
/// </summary>
internal static class RoundTables
{
    /// <summary>Deleted rows leave gaps that the planner takes for rows: beyond this a table is made anew.</summary>
    private const int MostBytes = 8 * 8192;

    private const int FewRows = 500;

    private static readonly string[] Names =
    [
        "t_user",
        "t_new",
        "t_mail",
        "t_manager",
        "t_seen",
        "t_loss",
        "t_touched",
        "t_group",
        "t_folded",
        "t_edge",
        "t_group_changed",
        "t_edge_changed",
        "t_event",
        "t_inside",
    ];

    private static readonly string All = string.Join(", ", Names);

    /// <summary>Which of them have grown too big, by comma; null if there are none at all.</summary>
    private static readonly string Look = $"""
        select case when to_regclass('pg_temp.{Names[0]}') is not null then (
          select coalesce(string_agg(n, ', '), '') from unnest(string_to_array('{All}', ', ')) n
          where pg_relation_size(to_regclass('pg_temp.' || n)) > {MostBytes}) end
        """;

    private static readonly string Clear = string.Join("; ", Names.Select(n => $"delete from {n}"));

    /// <summary>Empty when the planner first looks, so that it goes by the size of what is in them.</summary>
    private static readonly string Create = $"""
        create temp table t_user (user_id uuid, object_id uuid, external_id text, is_new boolean, action int, state int, state_at timestamptz,
          first_seen_at timestamptz, staged boolean, loss int, outside boolean, kind int, kind_evidence text, properties text,
          display_name text, mail text, escrow_reason text, manager uuid, old_manager uuid, counts boolean, event_id uuid, changes text,
          skipped text, same_mailbox boolean, weighs_mail boolean, old_mail text);
        create temp table t_new (object_id uuid);
        create temp table t_mail (mail text);
        create temp table t_manager (object_id uuid);
        create temp table t_seen (object_id uuid primary key, managed boolean);
        create temp table t_loss (user_id uuid primary key, state int, outside boolean default false);
        create temp table t_touched (user_id uuid primary key);
        create temp table t_group (seq bigint generated always as identity, object_id uuid, group_id uuid, removed boolean,
          display_name text, security_enabled boolean, dynamic boolean, unreadable boolean);
        create temp table t_folded (object_id uuid, group_id uuid, removed boolean, display_name text, security_enabled boolean,
          dynamic boolean, imported boolean, unreadable boolean);
        create temp table t_edge (seq bigint generated always as identity, group_object_id uuid, member_object_id uuid,
          member_type int, removed boolean);
        create temp table t_group_changed (group_id uuid primary key, object_id uuid, action int, old_name text,
          old_security boolean, old_dynamic boolean, told boolean, comes_or_goes boolean);
        create temp table t_edge_changed (group_object_id uuid, member_object_id uuid, member_type int, removed boolean, held boolean);
        create temp table t_event (subject uuid primary key, id uuid, is_group boolean, action int, status int,
          display_name text, changes jsonb, reason text);
        create temp table t_inside (object_id uuid primary key);
        analyze {All};
        """;

    /// <summary>In the caller's transaction: makes them where there are none, or anew.</summary>
    public static async Task PrepareAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var look = new NpgsqlCommand(Look, connection);
        if (await look.ExecuteScalarAsync(ct) is not string grown)
        {
            await ExecuteAsync(connection, Create, ct);
        }
        else if (grown.Length > 0)
        {
            await ExecuteAsync(connection, Anew(grown), ct);
        }
    }

    /// <summary>
    /// The connection may serve another tenant next: nothing of this one stays, as a rollback leaves nothing either. A
    /// big round gives its space on the disk back, too.
    /// </summary>
    public static Task LeaveAsync(NpgsqlConnection connection, bool big, CancellationToken ct) =>
        ExecuteAsync(connection, big ? Anew(All) : Clear, ct);

    /// <summary>Between two batches of a round. A big one frees its space at once, which costs a new file.</summary>
    public static string EmptyUsers(int rows) => rows > FewRows ? "truncate t_user" : "delete from t_user";

    /// <summary>As when they were made, in new files.</summary>
    private static string Anew(string tables) => $"truncate {tables}; analyze {tables}";

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(ct);
    }
}
