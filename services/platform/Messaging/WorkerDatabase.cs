using Npgsql;

namespace Rollcall.Platform;

/// <summary>
/// Connections as the worker role, which sees the queue-like tables (outbox, inbox, leases) of all tenants and nothing
/// else. For dispatchers and schedulers; everything about people goes through the service's DbContext.
/// </summary>
public sealed class WorkerDatabase(string connectionString) : IAsyncDisposable
{
    public NpgsqlDataSource Source { get; } = NpgsqlDataSource.Create(connectionString);

    public ValueTask DisposeAsync() => Source.DisposeAsync();
}
