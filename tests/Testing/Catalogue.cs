using Npgsql;
using Xunit;

namespace Rollcall.Testing;

/// <summary>Promise R4, read from Postgres' own catalogue: every service's tests call it for their database.</summary>
public static class Catalogue
{
    /// <summary>Every table with a tenant column has forced row-level security, and no role of the service can get around it.</summary>
    public static async Task AssertLockedAsync(string database)
    {
        await using var source = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(TestServers.Postgres)
            {
                Database = database,
                Pooling = false,
            }.ConnectionString
        );

        Assert.NotEmpty(await NamesAsync(source, TenantTables));
        Assert.Empty(await NamesAsync(source, $"{TenantTables} and not (c.relrowsecurity and c.relforcerowsecurity)"));
        Assert.Empty(
            await NamesAsync(
                source,
                $"{TenantTables} and not exists (select 1 from pg_policy p where p.polrelid = c.oid and p.polname = 'tenant' and p.polqual is not null and p.polwithcheck is not null)"
            )
        );
        Assert.Empty(
            await NamesAsync(
                source,
                // Temporary tables are seen by their own session alone.
                $"select c.relname from pg_class c join pg_roles r on r.oid = c.relowner where r.rolname in ('{database}_app', '{database}_worker') and c.relpersistence <> 't'"
            )
        );
        Assert.Empty(
            await NamesAsync(
                source,
                $"""
                select r.rolname from pg_roles r
                where r.rolname in ('{database}_app', '{database}_worker')
                  and (r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolcreatedb
                    or exists (select 1 from pg_auth_members m where m.member = r.oid))
                """
            )
        );
        await AssertNoSideDoorAsync(source, database);
    }

    /// <summary>
    /// Whoever reads a partition by its own name gets around the parent's policy, and a function of the owner gets
    /// around every policy.
    /// </summary>
    private static async Task AssertNoSideDoorAsync(NpgsqlDataSource source, string database)
    {
        Assert.Empty(
            await NamesAsync(
                source,
                $"""
                select c.relname || ' ' || r.rolname || ' ' || p from pg_class c, pg_roles r,
                  unnest(array['select', 'insert', 'update', 'delete', 'truncate']) p
                where c.relispartition and c.relkind in ('r', 'p')
                  and r.rolname in ('{database}_app', '{database}_worker') and has_table_privilege(r.oid, c.oid, p)
                """
            )
        );
        Assert.Empty(
            await NamesAsync(
                source,
                $"""
                select f.proname from pg_proc f join pg_namespace n on n.oid = f.pronamespace and n.nspname = 'public'
                where f.prosecdef and has_function_privilege('{database}_app', f.oid, 'execute')
                """
            )
        );
    }

    private const string TenantTables = """
        select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
        where c.relkind in ('r', 'p') and exists (
          select 1 from pg_attribute a
          where a.attrelid = c.oid and not a.attisdropped and a.attname in ('msp_id', 'client_id'))
        """;

    private static async Task<List<string>> NamesAsync(NpgsqlDataSource source, string sql)
    {
        await using var command = source.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync();
        var names = new List<string>();
        while (await reader.ReadAsync())
        {
            names.Add(reader.GetString(0));
        }

        return names;
    }
}
