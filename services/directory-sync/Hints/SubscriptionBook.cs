using Microsoft.EntityFrameworkCore;
using Rollcall.DirectorySync.Data;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Hints;

/// <summary>
/// Which subscriptions a client should have, written in the transaction that connects or disconnects it; the keeper does
/// the work at Graph, when and as often as it takes.
/// </summary>
public sealed class SubscriptionBook(DirectoryDbContext db, TenantContext tenant)
{
    public const string Users = "users";
    public const string Groups = "groups";

    /// <summary>Notifications about groups need more than reading their members does.</summary>
    public static string[] WantedWith(IReadOnlyCollection<string> permissions) =>
        permissions.Contains("Group.Read.All", StringComparer.Ordinal) ? [Users, Groups] : [Users];

    public async Task WantAsync(
        Guid clientId,
        Guid directory,
        IReadOnlyCollection<string> permissions,
        CancellationToken ct
    )
    {
        var wanted = WantedWith(permissions);

        // One in another directory is forgotten: nobody may ask there any more, and it expires by itself.
        await db.Database.ExecuteSqlAsync(
            $"""
            insert into graph_subscription as s (msp_id, client_id, resource, directory_tenant_id, wanted, fence, failures, problem)
            select {tenant.MspId}, {clientId}, r, {directory}, true, 0, 0, '' from unnest({wanted}) r
            on conflict (client_id, resource) do update set directory_tenant_id = excluded.directory_tenant_id, wanted = true,
              due_at = now(), fence = s.fence + 1, failures = 0,
              subscription_id = case when s.directory_tenant_id = excluded.directory_tenant_id then s.subscription_id end
            """,
            ct
        );
        await DropAsync(clientId, except: wanted, ct);
    }

    public Task DropAsync(Guid clientId, CancellationToken ct) => DropAsync(clientId, except: [], ct);

    public Task<List<GraphSubscription>> ListAsync(Guid clientId, CancellationToken ct) =>
        db
            .GraphSubscriptions.AsNoTracking()
            .Where(s => s.ClientId == clientId && s.Wanted)
            .OrderByDescending(s => s.Resource)
            .ToListAsync(ct);

    private Task<int> DropAsync(Guid clientId, string[] except, CancellationToken ct) =>
        db.Database.ExecuteSqlAsync(
            $"""
            update graph_subscription set wanted = false, due_at = now(), fence = fence + 1, failures = 0
            where client_id = {clientId} and wanted and not resource = any ({except})
            """,
            ct
        );
}
