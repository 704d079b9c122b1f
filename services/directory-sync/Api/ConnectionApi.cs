using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Connections;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Graph;
using Rollcall.DirectorySync.Health;
using Rollcall.DirectorySync.Hints;
using Rollcall.DirectorySync.Mailboxes;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Api;

public sealed class ConnectionApi(
    DirectoryDbContext db,
    Consents consents,
    ImportScopes imports,
    MailboxRounds mailboxes,
    GraphDirectory graph,
    HealthBook health,
    SubscriptionBook subscriptions,
    CallerContext caller,
    TimeProvider clock
) : ConnectionService.ConnectionServiceBase
{
    private const string RevokeHint =
        "An administrator of the client deletes the application under Entra ID > Enterprise applications; reading stops within an hour.";

    private static readonly string[] Permissions =
    [
        "User.Read.All: people, managers, leavers",
        "GroupMember.Read.All: groups and who is in them",
    ];

    private static readonly string[] OptionalPermissions =
    [
        "MailboxSettings.Read (optional): what a mailbox is for, so that shared mailboxes and rooms are not taken for people; "
            + "we read that one setting and nothing else",
    ];

    public override async Task<BeginConsentResponse> BeginConsent(
        BeginConsentRequest request,
        ServerCallContext context
    )
    {
        var clientId = Requests.Id(request.ClientId, "client_id");
        var directory = Requests.OptionalId(request.DirectoryTenantId, "directory_tenant_id");

        var (url, expiresAt) = await consents.BeginAsync(
            clientId,
            directory,
            request.OptionalPermissions,
            caller.Caller.Subject,
            context.CancellationToken
        );

        return new()
        {
            ConsentUrl = url,
            ExpireTime = expiresAt.ToTimestamp(),
            Permissions = { Permissions, request.OptionalPermissions ? OptionalPermissions : [] },
        };
    }

    public override async Task<GetImportScopeResponse> GetImportScope(
        GetImportScopeRequest request,
        ServerCallContext context
    )
    {
        var clientId = Requests.Id(request.ClientId, "client_id");
        return await imports.GetAsync(clientId, context.CancellationToken);
    }

    public override async Task<UpdateImportScopeResponse> UpdateImportScope(
        UpdateImportScopeRequest request,
        ServerCallContext context
    )
    {
        var clientId = Requests.Id(request.ClientId, "client_id");
        var choice = ImportChoice.Read(request.Scope);
        return await imports.UpdateAsync(clientId, choice, request.Revision, request.DryRun, context.CancellationToken);
    }

    public override Task<CompleteConsentResponse> CompleteConsent(
        CompleteConsentRequest request,
        ServerCallContext context
    ) => consents.CompleteAsync(request, context.CancellationToken);

    public override async Task<GetConnectionResponse> GetConnection(
        GetConnectionRequest request,
        ServerCallContext context
    )
    {
        var clientId = Requests.Id(request.ClientId, "client_id");
        await using var transaction = await db.BeginAsync(context.CancellationToken);
        var connection = ToProto(await FindAsync(clientId, context.CancellationToken));
        connection.Notifications.AddRange(
            (await subscriptions.ListAsync(clientId, context.CancellationToken)).Select(ToProto)
        );
        var sync = await db
            .ClientSyncs.AsNoTracking()
            .SingleOrDefaultAsync(s => s.ClientId == clientId, context.CancellationToken);
        connection.PollInterval = sync?.Every.ToDuration();
        return new() { Connection = connection };
    }

    public override async Task<VerifyConnectionResponse> VerifyConnection(
        VerifyConnectionRequest request,
        ServerCallContext context
    )
    {
        var ct = context.CancellationToken;
        var clientId = Requests.Id(request.ClientId, "client_id");
        var directory = await DirectoryOfAsync(clientId, ct);

        // Outside any transaction: Microsoft may take its time.
        HealthView? failure = null;
        List<string> permissions = [];
        try
        {
            permissions = await graph.VerifyAsync(directory, ct);
        }
        catch (GraphException e) when (e.Failure == GraphFailure.Throttled)
        {
            throw Throttled(e.RetryAfter);
        }
        catch (GraphException e)
        {
            failure = HealthRules.AfterFailure(e, failures: 1).View;
        }

        await using var transaction = await db.BeginAsync(ct);
        var connection = await FindAsync(clientId, ct);
        connection.VerifiedAt = clock.GetUtcNow();
        connection.State = failure is null ? ConnectionState.Connected : ConnectionState.Broken;
        connection.GrantedPermissions = failure is null ? permissions : connection.GrantedPermissions;
        if (failure is not null)
        {
            await health.RecordAsync(clientId, failure, ct);
        }
        else
        {
            await subscriptions.WantAsync(clientId, directory, permissions, ct);
        }

        // Mended or not, the next sync shows it. One that runs keeps its lease.
        await db.Database.ExecuteSqlAsync(
            $"update client_sync set next_at = now(), priority = 0 where client_id = {clientId} and owner is null",
            ct
        );
        await db.SaveChangesAsync(ct);
        await transaction.CommitAsync(ct);
        await health.CommittedAsync();
        mailboxes.Forget(clientId);
        return new() { Connection = ToProto(connection) };
    }

    public override async Task<UpdateScheduleResponse> UpdateSchedule(
        UpdateScheduleRequest request,
        ServerCallContext context
    )
    {
        var ct = context.CancellationToken;
        var clientId = Requests.Id(request.ClientId, "client_id");
        var every = Interval(request.PollInterval);

        await using var transaction = await db.BeginAsync(ct);

        // Sooner than planned if that is what it means, but not all clients of a fleet at once.
        var changed = await db.Database.ExecuteSqlAsync(
            $"""
            update client_sync set every = {every},
              next_at = case when owner is null and failures = 0 then least(next_at, now() + {every} * random()) else next_at end
            where client_id = {clientId}
            """,
            ct
        );
        if (changed == 0)
        {
            throw AppException.Precondition("CONNECTION_MISSING", "Nobody has consented yet; begin with BeginConsent");
        }

        await transaction.CommitAsync(ct);
        return new() { PollInterval = every.ToDuration() };
    }

    public override async Task<DisconnectResponse> Disconnect(DisconnectRequest request, ServerCallContext context)
    {
        var ct = context.CancellationToken;
        var clientId = Requests.Id(request.ClientId, "client_id");
        await using var transaction = await db.BeginAsync(ct);
        var connection = await FindAsync(clientId, ct);
        connection.State = ConnectionState.Disconnected;

        // The raised fence keeps a sync under way from committing after this.
        await db
            .ClientSyncs.Where(s => s.ClientId == clientId)
            .ExecuteUpdateAsync(
                s => s.SetProperty(x => x.Disabled, true).SetProperty(x => x.Fence, x => x.Fence + 1),
                ct
            );
        await subscriptions.DropAsync(clientId, ct);
        await db.StagedPages.Where(p => p.ClientId == clientId).ExecuteDeleteAsync(ct);
        await health.RecordAsync(clientId, HealthView.AwaitingConsent, ct);
        await db.SaveChangesAsync(ct);
        await transaction.CommitAsync(ct);
        await health.CommittedAsync();
        return new() { Connection = ToProto(connection) };
    }

    /// <summary>A day would be too long: mails wait for a roster that old.</summary>
    private static TimeSpan Interval(Duration? value)
    {
        try
        {
            return value?.ToTimeSpan() is { TotalMinutes: >= 1, TotalHours: <= 12 } interval
                ? interval
                : throw AppException.Invalid("poll_interval", "must be between one minute and twelve hours");
        }
        catch (InvalidOperationException)
        {
            throw AppException.Invalid("poll_interval", "is no valid duration");
        }
    }

    private async Task<Guid> DirectoryOfAsync(Guid clientId, CancellationToken ct)
    {
        await using var transaction = await db.BeginAsync(ct);
        var connection = await FindAsync(clientId, ct);
        return connection.DirectoryTenantId
            ?? throw AppException.Precondition(
                "CONNECTION_MISSING",
                "Nobody has consented yet; begin with BeginConsent"
            );
    }

    private async Task<Data.Connection> FindAsync(Guid clientId, CancellationToken ct) =>
        await db.Connections.SingleOrDefaultAsync(c => c.ClientId == clientId, ct)
        ?? throw AppException.NotFound("connection", clientId);

    private static NotificationSubscription ToProto(GraphSubscription subscription) =>
        new()
        {
            Resource = subscription.Resource,
            ExpireTime = subscription.ExpiresAt?.ToTimestamp(),
            Problem = subscription.Problem,
        };

    private static AppException Throttled(TimeSpan? wait) =>
        new(StatusCode.ResourceExhausted, "DIRECTORY_THROTTLED", "Microsoft 365 slows us down; try again later")
        {
            RetryAfter = wait,
        };

    private static Rollcall.Api.Directory.V1.Connection ToProto(Data.Connection connection) =>
        new()
        {
            ClientId = connection.ClientId.ToString(),
            State = connection.State,
            DirectoryTenantId = connection.DirectoryTenantId?.ToString() ?? "",
            GrantedPermissions = { connection.GrantedPermissions },
            RequestedBy = connection.RequestedBy,
            ConsentTime = connection.ConsentedAt?.ToTimestamp(),
            VerifyTime = connection.VerifiedAt?.ToTimestamp(),
            RevokeHint = RevokeHint,
        };
}
