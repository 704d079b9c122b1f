using System.Globalization;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Scope.V1;
using Rollcall.Platform;
using Rollcall.ScopeRules.Data;
using Rollcall.ScopeRules.Decisions;
using Rollcall.ScopeRules.Policies;

namespace Rollcall.ScopeRules.Api;

/// <summary>Policies: drafted, previewed, published, kept.</summary>
public sealed class PolicyApi(
    ScopeDbContext db,
    ClientScopes clients,
    PolicyVersions versions,
    Evaluations evaluations,
    EvaluationSignal signal,
    TenantContext tenant
) : PolicyService.PolicyServiceBase
{
    public override async Task<CreatePolicyResponse> CreatePolicy(
        CreatePolicyRequest request,
        ServerCallContext context
    )
    {
        var ct = context.CancellationToken;
        var clientId = Requests.Id(request.ClientId, "client_id");
        var requestId = Requests.OptionalId(request.RequestId, "request_id");
        var template = request.TemplateKey.Length > 0 ? Template.Find(request.TemplateKey) : null;
        var audiences = template?.Audiences ?? AudienceChecks.Read(request.Audiences, "audiences");

        await using var transaction = await db.BeginAsync(ct);
        var client = await clients.LockAsync(tenant.MspId, clientId, ct);
        if (await versions.NewestAsync(clientId, ct) is not null)
        {
            var made = await db.Policies.SingleOrDefaultAsync(
                p => p.ClientId == clientId && requestId != null && p.CreateRequestId == requestId,
                ct
            );
            return made is not null
                ? new CreatePolicyResponse { Policy = made.ToProto(client) }
                : throw new AppException(StatusCode.AlreadyExists, "POLICY_EXISTS", "The client has a policy already");
        }

        var policy = await versions.CreateAsync(client, 1, audiences, template?.Key, requestId, ct);
        await transaction.CommitAsync(ct);
        return new() { Policy = policy.ToProto(client) };
    }

    public override async Task<UpdatePolicyResponse> UpdatePolicy(
        UpdatePolicyRequest request,
        ServerCallContext context
    )
    {
        var ct = context.CancellationToken;
        var clientId = Requests.Id(request.ClientId, "client_id");
        if (request.UpdateMask?.Paths is not ["audiences"])
        {
            throw AppException.Invalid("update_mask", "may only name audiences");
        }

        var audiences = AudienceChecks.Read(request.Policy?.Audiences ?? [], "policy.audiences");

        await using var transaction = await db.BeginAsync(ct);
        var client = await clients.LockAsync(tenant.MspId, clientId, ct);
        var policy = await versions.ReviseAsync(client, request.Policy?.Etag ?? "", audiences, templateKey: null, ct);
        await transaction.CommitAsync(ct);
        return new() { Policy = policy.ToProto(client) };
    }

    public override async Task<ApplyTemplateResponse> ApplyTemplate(
        ApplyTemplateRequest request,
        ServerCallContext context
    )
    {
        var ct = context.CancellationToken;
        var clientId = Requests.Id(request.ClientId, "client_id");
        var template = Template.Find(request.TemplateKey);

        await using var transaction = await db.BeginAsync(ct);
        var client = await clients.LockAsync(tenant.MspId, clientId, ct);
        var policy = await versions.ReviseAsync(client, request.Etag, template.Audiences, template.Key, ct);
        await transaction.CommitAsync(ct);
        return new() { Policy = policy.ToProto(client) };
    }

    public override async Task<PreviewPolicyResponse> PreviewPolicy(
        PreviewPolicyRequest request,
        ServerCallContext context
    )
    {
        var ct = context.CancellationToken;
        var clientId = Requests.Id(request.ClientId, "client_id");
        var audiences = request.Audiences.Count > 0 ? AudienceChecks.Read(request.Audiences, "audiences") : null;

        await using var transaction = await db.BeginAsync(ct);
        var client = await clients.ReadAsync(tenant.MspId, clientId, ct);
        var rules = audiences ?? (await versions.FindAsync(clientId, 0, ct)).Audiences;
        return await evaluations.PreviewAsync(client, PolicyRules.Parse(0, rules), ct);
    }

    public override async Task<PublishPolicyResponse> PublishPolicy(
        PublishPolicyRequest request,
        ServerCallContext context
    )
    {
        var ct = context.CancellationToken;
        var clientId = Requests.Id(request.ClientId, "client_id");
        var requestId = Requests.OptionalId(request.RequestId, "request_id");

        await using var transaction = await db.BeginAsync(ct);
        var client = await clients.LockAsync(tenant.MspId, clientId, ct);
        var done = await db.Policies.SingleOrDefaultAsync(
            p => p.ClientId == clientId && requestId != null && p.PublishRequestId == requestId,
            ct
        );
        if (done is not null)
        {
            return new() { Policy = done.ToProto(client) };
        }

        var policy = await versions.PublishAsync(client, request.Etag, requestId, ct);
        Evaluations.StartSweep(client);
        await db.SaveChangesAsync(ct);
        await transaction.CommitAsync(ct);
        signal.Set();
        return new() { Policy = policy.ToProto(client) };
    }

    public override async Task<GetPolicyResponse> GetPolicy(GetPolicyRequest request, ServerCallContext context)
    {
        var ct = context.CancellationToken;
        var clientId = Requests.Id(request.ClientId, "client_id");

        await using var transaction = await db.BeginAsync(ct);
        var policy = await versions.FindAsync(clientId, request.Version, ct);
        var client = await db.Clients.SingleAsync(c => c.ClientId == clientId, ct);
        return new() { Policy = policy.ToProto(client) };
    }

    public override async Task<ListPolicyVersionsResponse> ListPolicyVersions(
        ListPolicyVersionsRequest request,
        ServerCallContext context
    )
    {
        var ct = context.CancellationToken;
        var clientId = Requests.Id(request.ClientId, "client_id");
        var size = Requests.PageSize(request.PageSize);
        var before = PageToken.Read(request.PageToken, request) is { } token ? Number(token) : long.MaxValue;

        await using var transaction = await db.BeginAsync(ct);
        var client = await db.Clients.SingleOrDefaultAsync(c => c.ClientId == clientId, ct);
        var policies = await db
            .Policies.AsNoTracking()
            .Where(p => p.ClientId == clientId && p.Version < before)
            .OrderByDescending(p => p.Version)
            .Take(size + 1)
            .ToListAsync(ct);
        return new()
        {
            Policies = { policies.Take(size).Select(p => p.ToProto(client)) },
            NextPageToken =
                policies.Count > size
                    ? PageToken.Write(policies[size - 1].Version.ToString(CultureInfo.InvariantCulture), request)
                    : "",
        };
    }

    public override Task<ListTemplatesResponse> ListTemplates(
        ListTemplatesRequest request,
        ServerCallContext context
    ) => Task.FromResult(new ListTemplatesResponse { Templates = { Template.All.Select(t => t.ToProto()) } });

    private static long Number(string token) =>
        long.TryParse(token, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw AppException.Invalid("page_token", "was not made by this service");
}
