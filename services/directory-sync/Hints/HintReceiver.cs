using System.Diagnostics.Metrics;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Sync;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Hints;

/// <summary>What a notification turned out to be.</summary>
public enum HintOutcome
{
    /// <summary>Pulls the client's next sync forward.</summary>
    Accepted,

    /// <summary>No such subscription, or one we no longer want.</summary>
    Unknown,

    /// <summary>Without the subscription's secret.</summary>
    Forged,

    /// <summary>The right secret with another directory.</summary>
    WrongDirectory,
}

/// <summary>
/// Judges notifications and pulls the clients of the genuine ones forward. They come from the public internet and prove
/// nothing but their secret, so they can make a sync come sooner and nothing else: what changed is read, never believed.
/// </summary>
public sealed class HintReceiver(WorkerDatabase database, SyncSignal signal)
{
    private static readonly Counter<long> Counted = Telemetry.Meter.CreateCounter<long>("rollcall.hints");

    public async Task ReceiveAsync(IReadOnlyCollection<Hint> hints, CancellationToken ct)
    {
        var known = await FindAsync([.. hints.Select(IdOf).OfType<Guid>().Distinct()], ct);
        var clients = new HashSet<Guid>();
        var uncertain = new HashSet<Guid>();
        foreach (var hint in hints)
        {
            var subscription = IdOf(hint) is { } id ? known.GetValueOrDefault(id) : null;
            var outcome = Judge(hint, subscription);
            Counted.Add(1, new KeyValuePair<string, object?>("outcome", outcome.ToString()));
            if (outcome == HintOutcome.Accepted)
            {
                clients.Add(subscription!.ClientId);
                if (hint.LifecycleEvent.Length > 0)
                {
                    uncertain.Add(subscription.Id);
                }
            }
        }

        if (clients.Count > 0)
        {
            await PullAsync([.. clients], ct);
            await RenewAsync([.. uncertain], ct);
            signal.Set();
        }
    }

    /// <summary>A subscription as notifications are compared with it.</summary>
    public sealed record Known(Guid Id, Guid ClientId, Guid DirectoryTenantId, byte[]? SecretHash);

    public static HintOutcome Judge(Hint hint, Known? subscription) =>
        subscription is null ? HintOutcome.Unknown
        : !ClientState.IsGenuine(hint.ClientState, subscription.SecretHash) ? HintOutcome.Forged
        : !Guid.TryParse(hint.TenantId, out var directory) || directory != subscription.DirectoryTenantId
            ? HintOutcome.WrongDirectory
        : HintOutcome.Accepted;

    private static Guid? IdOf(Hint hint) => Guid.TryParse(hint.SubscriptionId, out var id) ? id : null;

    private async Task<Dictionary<Guid, Known>> FindAsync(Guid[] ids, CancellationToken ct)
    {
        var known = new Dictionary<Guid, Known>();
        if (ids.Length == 0)
        {
            return known;
        }

        await using var command = database.Source.CreateCommand(
            """
            select subscription_id, client_id, directory_tenant_id, secret_hash from graph_subscription
            where subscription_id = any ($1) and wanted
            """
        );
        command.Parameters.Add(new() { Value = ids });
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            var id = reader.GetGuid(0);
            known[id] = new(id, reader.GetGuid(1), reader.GetGuid(2), reader[3] as byte[]);
        }

        return known;
    }

    /// <summary>
    /// Earlier, never later, and not earlier than the pause after the last claim. A client whose sync runs is told to
    /// look again when it ends; one that fails keeps its waiting time.
    /// </summary>
    public async Task PullAsync(Guid[] clients, CancellationToken ct)
    {
        await using var command = database.Source.CreateCommand(
            """
            update client_sync set hinted_at = now(), priority = least(priority, 1),
              next_at = case when owner is null then greatest(now(), claimed_at + $2) else next_at end
            where client_id = any ($1) and not disabled and failures = 0
              and case when owner is null then next_at > greatest(now(), claimed_at + $2)
                else hinted_at is null or hinted_at <= claimed_at end
            """
        );
        command.Parameters.Add(new() { Value = clients });
        command.Parameters.Add(new() { Value = Leases.HintPause });
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Whatever Graph says has become of it: renewing shows, and makes a new one where it is gone.</summary>
    private async Task RenewAsync(Guid[] subscriptions, CancellationToken ct)
    {
        if (subscriptions.Length == 0)
        {
            return;
        }

        await using var command = database.Source.CreateCommand(
            "update graph_subscription set due_at = now() where subscription_id = any ($1) and due_at > now()"
        );
        command.Parameters.Add(new() { Value = subscriptions });
        await command.ExecuteNonQueryAsync(ct);
    }
}
