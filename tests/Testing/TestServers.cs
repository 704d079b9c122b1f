using Npgsql;

namespace Rollcall.Testing;

/// <summary>The real servers tests run on; ./test starts them and says where they are.</summary>
public static class TestServers
{
    public static string Postgres { get; } = Setting("postgres");
    public static string RabbitMq { get; } = Setting("rabbitmq");
    public static string Redis { get; } = Setting("redis");

    /// <summary>A new database name for the service, so that runs never meet.</summary>
    public static string NewDatabase(string service) => $"{service}_{Guid.CreateVersion7():N}";

    /// <summary>The connection string of a role made for one test database.</summary>
    public static string As(string database, string role, string? server = null) =>
        new NpgsqlConnectionStringBuilder(server ?? Postgres)
        {
            Database = database,
            Username = $"{database}_{role}",
            Password = "test",
            MaxPoolSize = 30,
        }.ConnectionString;

    public static async Task DropAsync(string database, string? server = null)
    {
        await using var source = NpgsqlDataSource.Create(server ?? Postgres);
        await ExecuteAsync(source, $"drop database if exists \"{database}\" with (force)");
        foreach (var role in new[] { "app", "worker" })
        {
            await ExecuteAsync(source, $"drop role if exists \"{database}_{role}\"");
        }
    }

    private static async Task ExecuteAsync(NpgsqlDataSource source, string sql)
    {
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    private static string Setting(string name) =>
        Environment.GetEnvironmentVariable($"ConnectionStrings__{name}")
        ?? throw new InvalidOperationException($"Set ConnectionStrings__{name}: run the tests with ./test");
}
