using System.Diagnostics;
using Npgsql;
using Rollcall.DirectorySync.Sync;

namespace Rollcall.Benchmarks.Sync;

/// <summary>
/// What nobody can do without once people have changed: their old values are read, theirs and their events written, what
/// others are to see of them read, and that put into the outbox, in one transaction with one round trip. Nothing is
/// decided, and no policy applies.
/// </summary>
public static class BareWriter
{
    public static async Task<TimeSpan> WriteAsync(NpgsqlDataSource database, Guid client, int people)
    {
        await using var connection = await database.OpenConnectionAsync();
        await RunAsync(
            connection,
            $"""
            create temp table t_touched as
              select user_id from directory_user where client_id = @client order by md5(user_id::text) limit {people};
            analyze t_touched;
            checkpoint
            """,
            client
        );
        var watch = Stopwatch.StartNew();
        await using (var transaction = await connection.BeginTransactionAsync())
        {
            await RunAsync(connection, Round, client);
            await transaction.CommitAsync();
        }

        return watch.Elapsed;
    }

    /// <summary>Nobody sends what is in the outbox: it is not due.</summary>
    private static readonly string Round = $"""
        select * from directory_user where client_id = @client and user_id = any (array(select user_id from t_touched));
        update directory_user set revision = revision + 1, properties = properties || ' '
        where client_id = @client and user_id = any (array(select user_id from t_touched));
        insert into sync_event (id, msp_id, client_id, run_id, occurred_at, action, status, user_id, display_name, changes, reason_code)
        select gen_random_uuid(), msp_id, client_id, client_id, now(), 2, 1, user_id, display_name, '[]', ''
        from directory_user where client_id = @client and user_id = any (array(select user_id from t_touched));
        {RosterReader.Touched};
        insert into outbox (message_id, msp_id, client_id, type, body, next_at)
        select gen_random_uuid(), msp_id, @client, 'bench', convert_to(repeat('x', 250000), 'UTF8'), 'infinity'
        from client, generate_series(1, 2) where client_id = @client
        """;

    private static async Task RunAsync(NpgsqlConnection connection, string sql, Guid client)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        command.Parameters.AddWithValue("client", client);
        await using var reader = await command.ExecuteReaderAsync();
        do
        {
            while (await reader.ReadAsync())
            {
                _ = reader[0];
            }
        } while (await reader.NextResultAsync());
    }
}
