using System.Buffers.Text;
using System.Security.Cryptography;
using Grpc.Core;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Graph;
using Rollcall.DirectorySync.Hints;
using Rollcall.DirectorySync.Mailboxes;
using Rollcall.DirectorySync.Sync;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Connections;

/// <summary>
/// Consent from question to proof. The tenant in Entra's redirect can be forged: what counts is our one-time state and
/// a token we get for that directory ourselves.
/// </summary>
public sealed class Consents(
    DirectoryDbContext db,
    TenantContext tenant,
    GraphDirectory graph,
    MailboxRounds mailboxes,
    SyncSignal signal,
    SubscriptionBook subscriptions,
    IOptions<GraphOptions> options,
    IConfiguration configuration,
    TimeProvider clock
)
{
    private const int SecretLength = 32;
    private static readonly TimeSpan Lifetime = TimeSpan.FromHours(1);

    /// <summary>New grants take seconds to reach every part of Entra.</summary>
    private static readonly TimeSpan ReplicationWait = TimeSpan.FromSeconds(2);

    public async Task<(string Url, DateTimeOffset ExpiresAt)> BeginAsync(
        Guid clientId,
        Guid? directory,
        bool optional,
        string requestedBy,
        CancellationToken ct
    )
    {
        await using var transaction = await db.BeginAsync(ct);
        var connection = await db.Connections.SingleOrDefaultAsync(c => c.ClientId == clientId, ct);
        if (connection is { State: ConnectionState.Connected } && optional)
        {
            // More permissions for the directory we read already.
            directory = connection.DirectoryTenantId;
        }
        else if (connection is { State: ConnectionState.Connected })
        {
            throw AppException.Precondition("CONNECTION_ACTIVE", "The client is connected; disconnect it first");
        }

        if (connection is null)
        {
            connection = new()
            {
                MspId = tenant.MspId,
                ClientId = clientId,
                State = ConnectionState.AwaitingConsent,
                RequestedBy = requestedBy,
            };
            db.Connections.Add(connection);
        }

        connection.RequestedBy = requestedBy;
        var secret = RandomNumberGenerator.GetBytes(SecretLength);
        var request = new ConsentRequest
        {
            MspId = tenant.MspId,
            ClientId = clientId,
            SecretHash = SHA256.HashData(secret),
            DirectoryTenantId = directory,
            RequestedBy = requestedBy,
            ExpiresAt = clock.GetUtcNow() + Lifetime,
        };
        db.ConsentRequests.Add(request);
        await db.SaveChangesAsync(ct);
        await transaction.CommitAsync(ct);
        return (Url(clientId, secret, directory, optional), request.ExpiresAt);
    }

    /// <summary>Takes Entra's answer. Enters the tenant the state names; its secret proves that we asked.</summary>
    public async Task<CompleteConsentResponse> CompleteAsync(CompleteConsentRequest answer, CancellationToken ct)
    {
        var (clientId, hash) = EnterTenant(answer.State);
        var (request, name) = await FindAsync(clientId, hash, ct);
        var response = new CompleteConsentResponse { ClientId = clientId.ToString(), ClientDisplayName = name };

        // v2 answers say admin_consent=True even when they carry an error.
        if (answer.Error.Length > 0)
        {
            await DeclineAsync(clientId, hash, ct);
            response.Problem = $"The administrator did not consent ({answer.Error}).";
            response.Remedy = "Ask again with a new consent link when the client is ready.";
            return response;
        }

        var directory = Requests.Id(answer.TenantId, "tenant_id");
        if (request.DirectoryTenantId is { } expected && expected != directory)
        {
            response.Problem = "Somebody consented for another directory than the expected one.";
            response.Remedy = "Sign in with an administrator of the client's own directory.";
            return response;
        }

        try
        {
            var permissions = await VerifyAsync(directory, ct);
            await ConnectAsync(clientId, hash, directory, permissions, ct);
            response.Connected = true;
        }
        catch (GraphException e)
        {
            var (_, _, problem, remedy) = e.Explain();
            (response.Problem, response.Remedy) = ($"{problem} ({e.Code})", remedy);
        }

        return response;
    }

    private async Task<List<string>> VerifyAsync(Guid directory, CancellationToken ct)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await graph.VerifyAsync(directory, ct);
            }
            catch (GraphException e)
                when (attempt < 5 && e.Failure is GraphFailure.PermissionMissing or GraphFailure.ConsentRemoved)
            {
                await Task.Delay(ReplicationWait, ct);
            }
        }
    }

    private async Task ConnectAsync(
        Guid clientId,
        byte[] hash,
        Guid directory,
        List<string> permissions,
        CancellationToken ct
    )
    {
        await using var transaction = await db.BeginAsync(ct);
        await UseAsync(clientId, hash, ct);
        var connection = await db.Connections.SingleAsync(c => c.ClientId == clientId, ct);
        connection.State = ConnectionState.Connected;
        connection.DirectoryTenantId = directory;
        connection.GrantedPermissions = permissions;
        connection.ConsentedAt = connection.VerifiedAt = clock.GetUtcNow();
        try
        {
            await db.SaveChangesAsync(ct);
        }
        catch (DbUpdateException e) when (e.IsUniqueViolation())
        {
            throw new AppException(
                StatusCode.AlreadyExists,
                "DIRECTORY_TAKEN",
                "This directory is connected to another client already"
            );
        }

        // Another directory than before is another roster to read: cursors go, people stay until the full read. Counted
        // as having failed, so that the next success is told of even if it finds nothing new.
        await db.Database.ExecuteSqlAsync(
            $"""
            insert into client_sync as s (msp_id, client_id, directory_tenant_id, every, priority, disabled, fence, failures,
              cursor_version, requested_full)
            values ({tenant.MspId}, {clientId}, {directory}, interval '5 minutes', 5, false, 0, 0, 0, false)
            on conflict (client_id) do update set directory_tenant_id = excluded.directory_tenant_id, disabled = false,
              next_at = now(), failures = 1, fence = s.fence + 1, cursor_version = s.cursor_version + 1,
              users_cursor = case when s.directory_tenant_id = excluded.directory_tenant_id then s.users_cursor end,
              groups_cursor = case when s.directory_tenant_id = excluded.directory_tenant_id then s.groups_cursor end
            """,
            ct
        );
        await subscriptions.WantAsync(clientId, directory, permissions, ct);
        await transaction.CommitAsync(ct);
        mailboxes.Forget(clientId);
        signal.Set();
    }

    private async Task DeclineAsync(Guid clientId, byte[] hash, CancellationToken ct)
    {
        await using var transaction = await db.BeginAsync(ct);
        await UseAsync(clientId, hash, ct);
        await db
            .Connections.Where(c => c.ClientId == clientId && c.State == ConnectionState.AwaitingConsent)
            .ExecuteUpdateAsync(c => c.SetProperty(x => x.State, ConnectionState.Declined), ct);
        await transaction.CommitAsync(ct);
    }

    private Task<int> UseAsync(Guid clientId, byte[] hash, CancellationToken ct) =>
        db
            .ConsentRequests.Where(r => r.ClientId == clientId && r.SecretHash == hash)
            .ExecuteUpdateAsync(r => r.SetProperty(x => x.UsedAt, clock.GetUtcNow()), ct);

    private async Task<(ConsentRequest Request, string ClientName)> FindAsync(
        Guid clientId,
        byte[] hash,
        CancellationToken ct
    )
    {
        await using var transaction = await db.BeginAsync(ct);
        var found = await (
            from request in db.ConsentRequests.AsNoTracking()
            join client in db.Clients on request.ClientId equals client.ClientId
            where request.ClientId == clientId && request.SecretHash == hash
            select new { request, client.DisplayName }
        ).SingleOrDefaultAsync(ct);
        return found is { request: { UsedAt: null } open } && open.ExpiresAt > clock.GetUtcNow()
            ? (open, found.DisplayName)
            : throw InvalidState();
    }

    private (Guid ClientId, byte[] Hash) EnterTenant(string state)
    {
        if (!Base64Url.IsValid(state))
        {
            throw InvalidState();
        }

        var bytes = Base64Url.DecodeFromChars(state);
        if (bytes.Length != 32 + SecretLength)
        {
            throw InvalidState();
        }

        var (msp, clientId) = (new Guid(bytes.AsSpan(0, 16)), new Guid(bytes.AsSpan(16, 16)));
        tenant.Enter(Tenant.Client(msp, clientId));
        return (clientId, SHA256.HashData(bytes.AsSpan(32)));
    }

    private string Url(Guid clientId, byte[] secret, Guid? directory, bool optional)
    {
        var graphHost = options.Value.BaseUrl.GetLeftPart(UriPartial.Authority);
        var scope = optional ? $"{graphHost}/.default {graphHost}/{MailboxRules.Permission}" : $"{graphHost}/.default";
        var state = Base64Url.EncodeToString([.. tenant.MspId.ToByteArray(), .. clientId.ToByteArray(), .. secret]);
        var who = directory?.ToString() ?? "organizations";
        return QueryHelpers.AddQueryString(
            new Uri(options.Value.Authority, $"{who}/v2.0/adminconsent").ToString(),
            new Dictionary<string, string?>(StringComparer.Ordinal)
            {
                ["client_id"] = options.Value.ClientId,
                ["scope"] = scope,
                // Edge's /consent/callback.
                ["redirect_uri"] = configuration.Required("Consent:RedirectUri"),
                ["state"] = state,
            }
        );
    }

    private static AppException InvalidState() =>
        new(
            StatusCode.InvalidArgument,
            "CONSENT_STATE_INVALID",
            "This consent link is unknown, already used or older than an hour; make a new one"
        );
}
