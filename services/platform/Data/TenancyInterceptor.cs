using System.Data.Common;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Npgsql;

namespace Rollcall.Platform;

/// <summary>
/// Puts the tenant on every transaction, where the row policies read it, and refuses commands that have no transaction
/// and so no tenant: without it they would quietly see zero rows.
/// </summary>
public sealed class TenancyInterceptor(TenantContext tenant, OutboxSignal outbox)
    : DbCommandInterceptor,
        IDbTransactionInterceptor
{
    public async ValueTask<DbTransaction> TransactionStartedAsync(
        DbConnection connection,
        TransactionEndEventData eventData,
        DbTransaction result,
        CancellationToken cancellationToken = default
    )
    {
        var owner = tenant.Required;
        await using var command = new NpgsqlCommand(
            "select set_config('rollcall.msp', $1, true), set_config('rollcall.clients', $2, true)",
            (NpgsqlConnection)connection,
            (NpgsqlTransaction)result
        );
        command.Parameters.Add(new() { Value = owner.MspId.ToString() });
        command.Parameters.Add(new() { Value = owner.ClientsSetting });
        await command.ExecuteNonQueryAsync(cancellationToken);
        return result;
    }

    public DbTransaction TransactionStarted(
        DbConnection connection,
        TransactionEndEventData eventData,
        DbTransaction result
    ) => throw new InvalidOperationException("Use the asynchronous database calls");

    public Task TransactionCommittedAsync(
        DbTransaction transaction,
        TransactionEndEventData eventData,
        CancellationToken cancellationToken = default
    )
    {
        if (eventData.Context is ServiceDbContext { HasPublished: true })
        {
            outbox.Set();
        }

        return Task.CompletedTask;
    }

    public override ValueTask<InterceptionResult<DbDataReader>> ReaderExecutingAsync(
        DbCommand command,
        CommandEventData eventData,
        InterceptionResult<DbDataReader> result,
        CancellationToken cancellationToken = default
    ) => new(Guarded(command, result));

    public override ValueTask<InterceptionResult<int>> NonQueryExecutingAsync(
        DbCommand command,
        CommandEventData eventData,
        InterceptionResult<int> result,
        CancellationToken cancellationToken = default
    ) => new(Guarded(command, result));

    public override ValueTask<InterceptionResult<object>> ScalarExecutingAsync(
        DbCommand command,
        CommandEventData eventData,
        InterceptionResult<object> result,
        CancellationToken cancellationToken = default
    ) => new(Guarded(command, result));

    public override InterceptionResult<DbDataReader> ReaderExecuting(
        DbCommand command,
        CommandEventData eventData,
        InterceptionResult<DbDataReader> result
    ) => Guarded(command, result);

    public override InterceptionResult<int> NonQueryExecuting(
        DbCommand command,
        CommandEventData eventData,
        InterceptionResult<int> result
    ) => Guarded(command, result);

    public override InterceptionResult<object> ScalarExecuting(
        DbCommand command,
        CommandEventData eventData,
        InterceptionResult<object> result
    ) => Guarded(command, result);

    private static T Guarded<T>(DbCommand command, T result) =>
        command.Transaction is null
            ? throw new InvalidOperationException("A database command needs a transaction: call db.BeginAsync first")
            : result;
}
