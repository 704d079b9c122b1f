using Microsoft.EntityFrameworkCore;
using Npgsql;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Data;
using Rollcall.Testing;

namespace Rollcall.DirectorySync.Tests;

public sealed class CatalogueTests(DirectoryFixture service)
{
    [Fact]
    public Task EveryTable_WithATenantColumn_IsLocked() => Catalogue.AssertLockedAsync(service.DatabaseName);

    /// <summary>No policy guards a temporary table, and the connection's next tenant may be another.</summary>
    [Fact]
    public async Task TemporaryTables_OutsideOfARound_AreEmpty()
    {
        var client = await service.ConnectedAsync(
            new
            {
                users = 30,
                groups = 3,
                seed = 3,
            }
        );
        await client.AddPersonAsync("ada");
        await client.SyncedAsync();
        await client.SyncedAsync(SyncMode.Full);
        var rows = new Dictionary<string, long>(StringComparer.Ordinal);

        await VisitAsync(connections: 12);

        Assert.Contains("t_user", rows.Keys);
        Assert.All(rows, table => Assert.Equal(0, table.Value));

        // Each from within the last, so that it is another connection.
        Task<bool> VisitAsync(int connections) =>
            client.DbAsync(async db =>
            {
                foreach (var table in await TemporaryTablesAsync(db))
                {
                    rows[table] = rows.GetValueOrDefault(table) + await CountAsync(db, table);
                }

                return connections == 1 || await VisitAsync(connections - 1);
            });
    }

    private static async Task<List<string>> TemporaryTablesAsync(DirectoryDbContext db) =>
        await db
            .Database.SqlQuery<string>(
                $"select relname::text as \"Value\" from pg_class where relnamespace = pg_my_temp_schema() and relkind = 'r'"
            )
            .ToListAsync();

    private static async Task<long> CountAsync(DirectoryDbContext db, string table)
    {
        await using var count = new NpgsqlCommand(
            $"select count(*) from pg_temp.{table}",
            (NpgsqlConnection)db.Database.GetDbConnection()
        );
        return (long)(await count.ExecuteScalarAsync())!;
    }
}
