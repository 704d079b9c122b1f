using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Rollcall.Platform;

/// <summary>
/// What --migrate does to the database: creates it with its roles, migrates it as the owner, and closes it. The
/// service's role owns nothing; every table with a tenant column gets forced row-level security by itself, so that a
/// new table cannot be forgotten.
/// </summary>
public sealed class DatabaseProvisioner(string admin, string app, string worker)
{
    private const string Owner = "rollcall_migrator";

    /// <summary>Serialises services that are provisioned at the same time on one server: roles are shared.</summary>
    private const long ProvisioningLock = 0x526F6C6C63616C6C;

    // As sub-selects they are asked once for each statement; as functions once for each row.
    private const string SeesMsp = "msp_id = (select nullif(current_setting('rollcall.msp', true), '')::uuid)";
    private const string SeesClient = $"""
        {SeesMsp} and ((select current_setting('rollcall.clients', true) = '*') or client_id = any (
          (select string_to_array(nullif(current_setting('rollcall.clients', true), '*'), ',')::uuid[])::uuid[]))
        """;

    private const string Policies = $"""
        do $$
        declare t record;
        begin
          for t in
            select c.relname as name,
              bool_or(a.attname = 'client_id') as of_client
            from pg_class c
            join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
            join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            where c.relkind in ('r', 'p')
            group by c.relname
            having bool_or(a.attname in ('msp_id', 'client_id'))
          loop
            execute format('alter table %I enable row level security', t.name);
            execute format('alter table %I force row level security', t.name);
            execute format('drop policy if exists tenant on %I', t.name);
            execute format('create policy tenant on %I using (%s) with check (%2$s)', t.name,
              case when t.of_client then $sees${SeesClient}$sees$ else $sees${SeesMsp}$sees$ end);
          end loop;
        end $$;
        drop function if exists rollcall_sees_msp, rollcall_sees;
        -- Events live for a second: not worth compressing.
        alter table outbox alter column body set storage external;
        """;

    public async Task ProvisionAsync<TContext>(Func<DbContextOptions<TContext>, TContext> create, CancellationToken ct)
        where TContext : ServiceDbContext
    {
        var appRole = new NpgsqlConnectionStringBuilder(app);
        var workerRole = new NpgsqlConnectionStringBuilder(worker);
        await CreateDatabaseAsync(appRole, workerRole, ct);

        var target = new NpgsqlConnectionStringBuilder(admin) { Database = appRole.Database, Pooling = false };
        await using var connection = new NpgsqlConnection(target.ConnectionString);
        await connection.OpenAsync(ct);
        await ExecuteAsync(connection, $"set role {Owner}", ct);

        var options = new DbContextOptionsBuilder<TContext>()
            .UseNpgsql(connection)
            .UseSnakeCaseNamingConvention()
            .Options;
        await using var db = create(options);
        await db.Database.MigrateAsync(ct);

        await ExecuteAsync(connection, Policies + Grants(appRole.Username!, workerRole.Username!, db), ct);
    }

    private async Task CreateDatabaseAsync(
        NpgsqlConnectionStringBuilder app,
        NpgsqlConnectionStringBuilder worker,
        CancellationToken ct
    )
    {
        await using var connection = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(admin) { Pooling = false }.ConnectionString
        );
        await connection.OpenAsync(ct);
        await ExecuteAsync(connection, $"select pg_advisory_lock({ProvisioningLock})", ct);

        // Under FORCE ROW LEVEL SECURITY even the owner sees no rows; migrations that move data need to.
        await CreateRoleAsync(connection, Owner, "nologin bypassrls", ct);
        await CreateRoleAsync(connection, app.Username!, $"login password {Literal(app.Password!)}", ct);
        await CreateRoleAsync(connection, worker.Username!, $"login password {Literal(worker.Password!)}", ct);

        await using var exists = new NpgsqlCommand("select 1 from pg_database where datname = $1", connection);
        exists.Parameters.Add(new() { Value = app.Database });
        if (await exists.ExecuteScalarAsync(ct) is null)
        {
            await ExecuteAsync(connection, $"create database {Name(app.Database!)} owner {Owner}", ct);
        }

        // Compiling a query costs more than it gives: ours are short, and the long ones expect more rows than they meet.
        await ExecuteAsync(connection, $"alter database {Name(app.Database!)} set jit = off", ct);
    }

    private static async Task CreateRoleAsync(
        NpgsqlConnection connection,
        string role,
        string attributes,
        CancellationToken ct
    )
    {
        await using var exists = new NpgsqlCommand("select 1 from pg_roles where rolname = $1", connection);
        exists.Parameters.Add(new() { Value = role });
        var verb = await exists.ExecuteScalarAsync(ct) is null ? "create" : "alter";
        await ExecuteAsync(connection, $"{verb} role {Name(role)} with {attributes}", ct);
    }

    private static string Grants(string app, string worker, ServiceDbContext db)
    {
        string[] workerTables = ["outbox", "outbox_dead", "inbox", .. db.WorkerTables];
        return $"""
            grant usage on schema public to {Name(app)}, {Name(worker)};
            grant select, insert, update, delete on all tables in schema public to {Name(app)};
            grant usage, select on all sequences in schema public to {Name(app)}, {Name(worker)};
            grant execute on all functions in schema public to {Name(app)}, {Name(worker)};
            revoke all on "__EFMigrationsHistory" from {Name(app)};
            {string.Concat(workerTables.Select(t => WorkerGrant(t, worker)))}
            {Closed(app, worker)}
            """;
    }

    /// <summary>
    /// Read by its own name a partition does not ask its parent's policy: nobody may. Functions that act as the owner
    /// are the worker's alone.
    /// </summary>
    private static string Closed(string app, string worker) =>
        $"""
            do $$
            declare name text;
            begin
              for name in select c.oid::regclass::text from pg_class c
                where c.relispartition and c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
              loop
                execute format('revoke all on %s from {Name(app)}, {Name(worker)}', name);
              end loop;
              for name in select p.oid::regprocedure::text from pg_proc p
                where p.prosecdef and p.pronamespace = 'public'::regnamespace
              loop
                execute format('revoke all on function %s from public, {Name(app)}', name);
              end loop;
            end $$;
            """;

    private static string WorkerGrant(string table, string worker) =>
        $"""
            grant select, insert, update, delete on {Name(table)} to {Name(worker)};
            drop policy if exists worker on {Name(table)};
            create policy worker on {Name(table)} to {Name(worker)} using (true) with check (true);

            """;

    private static string Name(string identifier) => new NpgsqlCommandBuilder().QuoteIdentifier(identifier);

    private static string Literal(string value) => $"'{value.Replace("'", "''", StringComparison.Ordinal)}'";

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(ct);
    }
}
