using Google.Protobuf.WellKnownTypes;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Data;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Sync;

/// <summary>What people decide about the kind of an account.</summary>
public sealed class KindDecisions(DirectoryDbContext db, TenantContext tenant, CallerContext caller, TimeProvider clock)
{
    public Task SetAsync(Guid clientId, Guid userId, AccountKind kind, string reason, CancellationToken ct) =>
        DecideAsync(
            clientId,
            userId,
            new()
            {
                Kind = kind,
                Reason = reason,
                DecidedBy = caller.Caller.Subject,
                DecideTime = clock.GetUtcNow().ToTimestamp(),
            },
            ct
        );

    public Task ClearAsync(Guid clientId, Guid userId, CancellationToken ct) =>
        DecideAsync(clientId, userId, decision: null, ct);

    private async Task DecideAsync(Guid clientId, Guid userId, KindDecision? decision, CancellationToken ct)
    {
        await using var transaction = await db.BeginAsync(ct);
        var changes = new KindChanges(db, SyncLease.Decision(tenant.MspId, clientId), clock.GetUtcNow());
        if (await changes.DecideAsync(userId, decision, ct) is null)
        {
            throw AppException.NotFound("user", userId);
        }

        await transaction.CommitAsync(ct);
    }
}
