using Rollcall.DirectorySync.Graph;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Sync;

/// <summary>A client claimed for one sync. Only who holds the newest fence may commit.</summary>
/// <param name="Every">Time between quiet polls.</param>
/// <param name="Failures">Failed attempts in a row before this one.</param>
public sealed record SyncLease(
    Guid MspId,
    Guid ClientId,
    Guid DirectoryTenantId,
    long Fence,
    TimeSpan Every,
    int Failures,
    DateTimeOffset? LastSuccessAt,
    long CursorVersion,
    Guid? RequestedRunId,
    bool RequestedFull
)
{
    /// <summary>Delta links, from the cursor store; null: read everything.</summary>
    public string? UsersCursor { get; init; }
    public string? GroupsCursor { get; init; }

    /// <summary>When the first escrowed object is to be read again; null when there is none.</summary>
    public DateTimeOffset? EscrowDueAt { get; init; }

    public (Guid Client, long Fence) Key => (ClientId, Fence);

    public Tenant Tenant => Tenant.Client(MspId, ClientId);

    /// <summary>Everybody is read, so whoever is missing is gone.</summary>
    public bool IsFull => UsersCursor is null || GroupsCursor is null;

    public GraphUrgency Urgency =>
        RequestedRunId is not null ? GraphUrgency.High
        : IsFull ? GraphUrgency.Low
        : GraphUrgency.Normal;

    /// <summary>Pages of a round that did not come to its end may lie in the database.</summary>
    public bool HasPages { get; init; } = true;

    /// <summary>
    /// What a round rests on: it goes on where a crash or a wait left it, unless it is another round. One that was asked
    /// for in full starts afresh.
    /// </summary>
    public string Origin(string? cursor) =>
        $"{DirectoryTenantId} {(RequestedFull || IsPreview ? RequestedRunId : null)} {cursor ?? "full"}";

    /// <summary>Of a dry run, whose pages are kept apart from those of the real round.</summary>
    public bool IsPreview { get; init; }

    /// <summary>The same lease for what is no round at all: whoever it does not name is not missing.</summary>
    public SyncLease Delta() => this with { UsersCursor = UsersCursor ?? "", GroupsCursor = GroupsCursor ?? "" };

    /// <summary>No lease: a person's decision is ordered among the syncs by the client's row lock.</summary>
    public static SyncLease Decision(Guid mspId, Guid clientId) =>
        new(mspId, clientId, Guid.Empty, 0, TimeSpan.Zero, 0, null, 0, null, false)
        {
            UsersCursor = "",
            GroupsCursor = "",
        };

    /// <summary>The same lease for a full round.</summary>
    public SyncLease Full() => this with { UsersCursor = null, GroupsCursor = null };
}

public static class LeaseScopes
{
    /// <summary>Services that work for the client of the lease, and for nobody else.</summary>
    public static AsyncServiceScope Enter(this IServiceScopeFactory scopes, SyncLease lease)
    {
        var scope = scopes.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<TenantContext>().Enter(lease.Tenant);
        return scope;
    }
}
