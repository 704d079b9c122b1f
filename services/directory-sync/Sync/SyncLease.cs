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

    public Tenant Tenant => Tenant.Client(MspId, ClientId);

    /// <summary>Everybody is read, so whoever is missing is gone.</summary>
    public bool IsFull => UsersCursor is null || GroupsCursor is null;

    /// <summary>Big rounds may continue where a crash left them; a round that was asked for starts afresh.</summary>
    public bool Resumes { get; init; } = true;

    /// <summary>The same lease for a full round.</summary>
    public SyncLease Full() => this with { UsersCursor = null, GroupsCursor = null, Resumes = false };
}
