using Npgsql;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Hints;

/// <summary>A subscription claimed for work. Only the newest fence may record what came of it.</summary>
public sealed record SubscriptionLease(
    Guid ClientId,
    string Resource,
    Guid DirectoryTenantId,
    bool Wanted,
    Guid? SubscriptionId,
    string? NotificationUrl,
    long Fence,
    int Failures
);

/// <summary>The work on subscriptions, claimed and recorded in the table all instances share, on database time.</summary>
public sealed class SubscriptionLeases(WorkerDatabase database)
{
    private static readonly TimeSpan Duration = TimeSpan.FromMinutes(2);

    /// <param name="onlyDeletions">Leaves those alone that Graph does not have.</param>
    public async Task<List<SubscriptionLease>> ClaimAsync(int limit, bool onlyDeletions, CancellationToken ct)
    {
        await using var command = Command(
            """
            update graph_subscription s set due_at = now() + $1, fence = fence + 1
            from (
              select client_id, resource from graph_subscription
              where due_at <= now() and (not $3 or not wanted or subscription_id is not null)
              order by due_at limit $2 for update skip locked) due
            where due.client_id = s.client_id and due.resource = s.resource
            returning s.client_id, s.resource, s.directory_tenant_id, s.wanted, s.subscription_id, s.notification_url,
              s.fence, s.failures
            """,
            Duration,
            limit,
            onlyDeletions
        );
        var claimed = new List<SubscriptionLease>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            claimed.Add(
                new(
                    reader.GetGuid(0),
                    reader.GetString(1),
                    reader.GetGuid(2),
                    reader.GetBoolean(3),
                    reader[4] as Guid?,
                    reader[5] as string,
                    reader.GetInt64(6),
                    reader.GetInt32(7)
                )
            );
        }

        return claimed;
    }

    /// <summary>Subscriptions made for another address than ours are due at once.</summary>
    public async Task MoveAsync(string? notificationUrl, CancellationToken ct)
    {
        await using var command = Command(
            """
            update graph_subscription set due_at = now()
            where wanted and notification_url is not null and notification_url <> $1 and due_at > now()
            """,
            notificationUrl ?? ""
        );
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>A new subscription; false if it is no longer ours to record.</summary>
    public Task<bool> CreatedAsync(
        SubscriptionLease lease,
        Guid id,
        byte[] secretHash,
        string notificationUrl,
        DateTimeOffset expiresAt,
        TimeSpan renewIn,
        CancellationToken ct
    ) =>
        RecordAsync(
            """
            update graph_subscription set subscription_id = $4, secret_hash = $5, notification_url = $6, expires_at = $7,
              due_at = now() + $8 * (0.8 + random() * 0.2), failures = 0, problem = ''
            where client_id = $1 and resource = $2 and fence = $3 and wanted
            """,
            lease,
            ct,
            id,
            secretHash,
            notificationUrl,
            expiresAt,
            renewIn
        );

    public Task RenewedAsync(
        SubscriptionLease lease,
        DateTimeOffset expiresAt,
        TimeSpan renewIn,
        CancellationToken ct
    ) =>
        RecordAsync(
            """
            update graph_subscription set expires_at = $4, due_at = now() + $5 * (0.8 + random() * 0.2), failures = 0,
              problem = ''
            where client_id = $1 and resource = $2 and fence = $3
            """,
            lease,
            ct,
            expiresAt,
            renewIn
        );

    /// <summary>One that is wanted waits for an address of ours.</summary>
    public Task DeletedAsync(SubscriptionLease lease, CancellationToken ct) =>
        RecordAsync(
            lease.Wanted
                ? """
                update graph_subscription set subscription_id = null, secret_hash = null, notification_url = null,
                  expires_at = null, due_at = now(), failures = 0, problem = ''
                where client_id = $1 and resource = $2 and fence = $3
                """
                : "delete from graph_subscription where client_id = $1 and resource = $2 and fence = $3",
            lease,
            ct
        );

    public Task FailedAsync(SubscriptionLease lease, string problem, TimeSpan delay, CancellationToken ct) =>
        RecordAsync(
            """
            update graph_subscription set failures = failures + 1, problem = $4,
              due_at = now() + $5 * (0.8 + random() * 0.4)
            where client_id = $1 and resource = $2 and fence = $3
            """,
            lease,
            ct,
            problem,
            delay
        );

    private async Task<bool> RecordAsync(
        string sql,
        SubscriptionLease lease,
        CancellationToken ct,
        params object[] values
    )
    {
        await using var command = Command(sql, [lease.ClientId, lease.Resource, lease.Fence, .. values]);
        return await command.ExecuteNonQueryAsync(ct) == 1;
    }

    private NpgsqlCommand Command(string sql, params object[] values)
    {
        var command = database.Source.CreateCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(new() { Value = value is DateTimeOffset time ? time.ToUniversalTime() : value });
        }

        return command;
    }
}
