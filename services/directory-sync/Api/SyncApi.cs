using Google.Protobuf.Collections;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Health;
using Rollcall.DirectorySync.Hints;
using Rollcall.DirectorySync.Sync;
using Rollcall.DirectorySync.Trail;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Api;

public sealed partial class SyncApi(
    DirectoryDbContext db,
    TenantContext tenant,
    CallerContext caller,
    HealthBook health,
    StagedRemovals removals,
    EscrowBook escrow,
    SyncSignal signal,
    HintReceiver hints,
    ProgressBoard board,
    TimeProvider clock
) : SyncService.SyncServiceBase
{
    public override async Task<GetSyncHealthResponse> GetSyncHealth(
        GetSyncHealthRequest request,
        ServerCallContext context
    )
    {
        var clientId = Requests.Id(request.ClientId, "client_id");
        await using var transaction = await db.BeginAsync(context.CancellationToken);
        return new() { Health = await health.GetAsync(clientId, context.CancellationToken) };
    }

    public override async Task<ListSyncHealthResponse> ListSyncHealth(
        ListSyncHealthRequest request,
        ServerCallContext context
    )
    {
        var ct = context.CancellationToken;
        var size = Requests.PageSize(request.PageSize);
        var after = PageToken.ReadId(request.PageToken, request) ?? Guid.Empty;

        await using var transaction = await db.BeginAsync(ct);
        var clients = await db
            .Clients.AsNoTracking()
            .Where(c => c.ClientId > after)
            .OrderBy(c => c.ClientId)
            .Select(c => new { c.ClientId, c.DisplayName })
            .Take(size + 1)
            .ToListAsync(ct);
        var response = new ListSyncHealthResponse
        {
            NextPageToken = clients.Count > size ? PageToken.Write(clients[size - 1].ClientId.ToString(), request) : "",
        };
        foreach (var client in clients.Take(size))
        {
            response.Clients.Add(
                new Rollcall.Api.Directory.V1.ClientHealth
                {
                    ClientId = client.ClientId.ToString(),
                    DisplayName = client.DisplayName,
                    Health = await health.GetAsync(client.ClientId, ct),
                }
            );
        }

        return response;
    }

    public override async Task<ListStagedRemovalsResponse> ListStagedRemovals(
        ListStagedRemovalsRequest request,
        ServerCallContext context
    )
    {
        var clientId = Requests.Id(request.ClientId, "client_id");
        var size = Requests.PageSize(request.PageSize);
        var after = PageToken.ReadId(request.PageToken, request) ?? Guid.Empty;

        var rows = await removals.ListAsync(clientId, after, size + 1, context.CancellationToken);

        return new()
        {
            Removals = { rows.Take(size) },
            NextPageToken = rows.Count > size ? PageToken.Write(rows[size - 1].UserId, request) : "",
        };
    }

    public override async Task<ApproveStagedRemovalsResponse> ApproveStagedRemovals(
        ApproveStagedRemovalsRequest request,
        ServerCallContext context
    )
    {
        var clientId = Requests.Id(request.ClientId, "client_id");
        var users = UserIds(request.UserIds);

        var version = await removals.ApproveAsync(clientId, users, caller.Caller.Subject, context.CancellationToken);

        return new() { Removed = users.Length, RosterVersion = version };
    }

    public override async Task<RejectStagedRemovalsResponse> RejectStagedRemovals(
        RejectStagedRemovalsRequest request,
        ServerCallContext context
    )
    {
        var clientId = Requests.Id(request.ClientId, "client_id");
        var users = UserIds(request.UserIds);
        var until = Requests.Time(request.KeepUntilTime, "keep_until_time");
        if (until <= clock.GetUtcNow() || until > clock.GetUtcNow().AddDays(366))
        {
            throw AppException.Invalid("keep_until_time", "must be in the future, at most a year ahead");
        }

        await removals.RejectAsync(clientId, users, until, caller.Caller.Subject, context.CancellationToken);

        return new() { Kept = users.Length };
    }

    private static Guid[] UserIds(RepeatedField<string> values) =>
        values.Count == 0
            ? throw AppException.Invalid("user_ids", "must name at least one user")
            : [.. values.Select(v => Requests.Id(v, "user_ids")).Distinct()];
}
