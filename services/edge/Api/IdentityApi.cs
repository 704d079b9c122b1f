using Google.Protobuf.Collections;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Identity.V1;
using Rollcall.Api.Options.V1;
using Rollcall.Platform;

namespace Rollcall.Edge;

/// <summary>Operators and partners of one MSP.</summary>
public sealed class IdentityApi(
    EdgeDbContext db,
    Accounts accounts,
    ShutOut shutOut,
    CallerContext callers,
    TenantContext tenant,
    IClientDirectory clients,
    TimeProvider clock
) : IdentityService.IdentityServiceBase
{
    private const int MaxClients = 500;
    private const int MaxKeepOldHours = 7 * 24;

    public override async Task<CreateOperatorResponse> CreateOperator(
        CreateOperatorRequest request,
        ServerCallContext context
    )
    {
        var caller = callers.Caller;
        var msp = Grants.MspFor(caller, Requests.OptionalId(request.MspId, "msp_id"));
        Grants.CheckRole(caller, request.Role);
        var draft = new Draft(
            Roles.ToClaim(request.Role),
            Requests.Text(request.DisplayName, "display_name"),
            await VisibleAsync(msp, request.Role, request.AllClients, request.ClientIds, context.CancellationToken),
            Scopes: [],
            Requests.OptionalId(request.RequestId, "request_id")
        );

        if (tenant.Current is null)
        {
            tenant.Enter(Tenant.WholeMsp(msp));
        }

        var (account, secret) = await CreateAsync(draft, context.CancellationToken);
        return new()
        {
            Operator = account.ToProto(),
            ClientId = account.ClientId,
            ClientSecret = secret,
        };
    }

    public override async Task<CreatePartnerResponse> CreatePartner(
        CreatePartnerRequest request,
        ServerCallContext context
    )
    {
        var draft = new Draft(
            Caller.PartnerRole,
            Requests.Text(request.DisplayName, "display_name"),
            await VisibleAsync(
                tenant.MspId,
                Role.Unspecified,
                request.AllClients,
                request.ClientIds,
                context.CancellationToken
            ),
            Grants.Scopes(request.Scopes),
            Requests.OptionalId(request.RequestId, "request_id")
        );

        var (account, secret) = await CreateAsync(draft, context.CancellationToken);
        return new()
        {
            Operator = account.ToProto(),
            ClientId = account.ClientId,
            ClientSecret = secret,
        };
    }

    public override async Task<ListOperatorsResponse> ListOperators(
        ListOperatorsRequest request,
        ServerCallContext context
    )
    {
        var size = Requests.PageSize(request.PageSize);
        var after = PageToken.ReadId(request.PageToken, request) ?? Guid.Empty;
        var msp = tenant.MspId;

        await using var transaction = await db.BeginAsync(context.CancellationToken);
        var page = await db
            .Accounts.AsNoTracking()
            .Where(a => a.MspId == msp && a.Id > after)
            .OrderBy(a => a.Id)
            .Take(size + 1)
            .ToListAsync(context.CancellationToken);

        return new()
        {
            Operators = { page.Take(size).Select(a => a.ToProto()) },
            NextPageToken = page.Count > size ? PageToken.Write(page[size - 1].Id.ToString(), request) : "",
        };
    }

    public override async Task<DisableOperatorResponse> DisableOperator(
        DisableOperatorRequest request,
        ServerCallContext context
    )
    {
        var id = Requests.Id(request.OperatorId, "operator_id");
        await using var transaction = await db.BeginAsync(context.CancellationToken);
        var account = await FindAsync(id, context.CancellationToken);
        if (account.ClientId == callers.Caller.Subject)
        {
            throw AppException.Precondition("OPERATOR_IS_CALLER", "Another admin has to disable you");
        }

        account.DisabledAt ??= clock.GetUtcNow();
        await db.SaveChangesAsync(context.CancellationToken);
        await transaction.CommitAsync(context.CancellationToken);
        await shutOut.RefreshAsync(context.CancellationToken);

        return new() { Operator = account.ToProto() };
    }

    public override async Task<RotateSecretResponse> RotateSecret(
        RotateSecretRequest request,
        ServerCallContext context
    )
    {
        var id = Requests.Id(request.OperatorId, "operator_id");
        if (request.KeepOldHours is < 0 or > MaxKeepOldHours)
        {
            throw AppException.Invalid("keep_old_hours", $"must be from 0 to {MaxKeepOldHours}");
        }

        await using var transaction = await db.BeginAsync(context.CancellationToken);
        var account = await FindAsync(id, context.CancellationToken);
        if (account.DisabledAt is not null)
        {
            throw AppException.Precondition("OPERATOR_DISABLED", "A disabled operator gets no secret");
        }

        var secret = Accounts.NewSecret();
        var keepOld = request.KeepOldHours > 0;
        account.OldSecret = keepOld ? account.ClientSecret : null;
        account.OldSecretEndsAt = keepOld ? clock.GetUtcNow().AddHours(request.KeepOldHours) : null;
        account.ClientSecret = await accounts.HashAsync(secret, context.CancellationToken);
        await db.SaveChangesAsync(context.CancellationToken);
        await transaction.CommitAsync(context.CancellationToken);

        return new() { Operator = account.ToProto(), ClientSecret = secret };
    }

    /// <summary>The new account with its secret; without one when the request was made before.</summary>
    private async Task<(Account Account, string Secret)> CreateAsync(Draft draft, CancellationToken ct)
    {
        var secret = Accounts.NewSecret();
        var clientId = $"{(draft.Role == Caller.PartnerRole ? "partner" : "operator")}-{Guid.CreateVersion7():N}";
        var account = await accounts.NewAsync(clientId, secret, draft.Role, draft.RequestId, ct);
        account.MspId = tenant.MspId;
        account.DisplayName = draft.DisplayName;
        account.VisibleClientIds = draft.VisibleClientIds;
        account.Scopes = draft.Scopes;

        await using var transaction = await db.BeginAsync(ct);
        await SerializeAsync(ct);
        if (draft.RequestId is { } requestId && await FindByRequestAsync(requestId, ct) is { } first)
        {
            return (first, "");
        }

        if (callers.Caller.Role == Role.PlatformAdmin)
        {
            await CheckNoAdminAsync(ct);
        }

        db.Accounts.Add(account);
        await db.SaveChangesAsync(ct);
        await transaction.CommitAsync(ct);
        return (account, secret);
    }

    /// <summary>One creation at a time per MSP: "the first admin" and "this request's first call" need it.</summary>
    private Task<int> SerializeAsync(CancellationToken ct) =>
        db.Database.ExecuteSqlAsync(
            $"select pg_advisory_xact_lock(hashtextextended({tenant.MspId.ToString()}, 0))",
            ct
        );

    private async Task CheckNoAdminAsync(CancellationToken ct)
    {
        var msp = tenant.MspId;
        if (await db.Accounts.AnyAsync(a => a.MspId == msp && a.Role == Roles.MspAdmin && a.DisabledAt == null, ct))
        {
            throw AppException.Precondition("MSP_HAS_ADMIN", "The MSP's own admin creates its other operators");
        }
    }

    /// <summary>Null means all clients.</summary>
    private async Task<List<Guid>?> VisibleAsync(
        Guid msp,
        Role role,
        bool all,
        RepeatedField<string> ids,
        CancellationToken ct
    )
    {
        if (Grants.SeesAll(role, all, ids.Count, MaxClients))
        {
            return null;
        }

        var visible = ids.Select(id => Requests.Id(id, "client_ids")).Distinct().ToList();
        foreach (var id in visible)
        {
            if (!await clients.ExistsAsync(msp, id, ct))
            {
                throw AppException.NotFound("client", id);
            }
        }

        return visible;
    }

    private async Task<Account> FindAsync(Guid id, CancellationToken ct)
    {
        var msp = tenant.MspId;
        return await db.Accounts.SingleOrDefaultAsync(a => a.MspId == msp && a.Id == id, ct)
            ?? throw AppException.NotFound("operator", id);
    }

    private Task<Account?> FindByRequestAsync(Guid requestId, CancellationToken ct)
    {
        var msp = tenant.MspId;
        return db.Accounts.AsNoTracking().SingleOrDefaultAsync(a => a.MspId == msp && a.RequestId == requestId, ct);
    }

    private sealed record Draft(
        string Role,
        string DisplayName,
        List<Guid>? VisibleClientIds,
        List<string> Scopes,
        Guid? RequestId
    );
}
