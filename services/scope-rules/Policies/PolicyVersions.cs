using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Scope.V1;
using Rollcall.Platform;
using Rollcall.ScopeRules.Api;
using Rollcall.ScopeRules.Data;

namespace Rollcall.ScopeRules.Policies;

/// <summary>The numbered versions of a client's policy. Writers have locked the client.</summary>
public sealed class PolicyVersions(ScopeDbContext db, CallerContext caller, TimeProvider clock)
{
    /// <summary>The draft if there is one, else the published version.</summary>
    public Task<PolicyVersion?> NewestAsync(Guid clientId, CancellationToken ct) =>
        db.Policies.Where(p => p.ClientId == clientId).OrderByDescending(p => p.Version).FirstOrDefaultAsync(ct);

    public async Task<PolicyVersion> FindAsync(Guid clientId, long version, CancellationToken ct) =>
        (
            version == 0
                ? await NewestAsync(clientId, ct)
                : await db.Policies.SingleOrDefaultAsync(p => p.ClientId == clientId && p.Version == version, ct)
        ) ?? throw AppException.NotFound("policy", clientId);

    public async Task<PolicyVersion> CreateAsync(
        ClientScope client,
        long version,
        IReadOnlyList<AudienceRule> audiences,
        string? templateKey,
        Guid? requestId,
        CancellationToken ct
    )
    {
        var policy = new PolicyVersion
        {
            MspId = client.MspId,
            ClientId = client.ClientId,
            Version = version,
            Audiences = audiences,
            TemplateKey = templateKey,
            CreatedAt = clock.GetUtcNow(),
            CreatedBy = caller.Caller.Subject,
            CreateRequestId = requestId,
        };
        db.Policies.Add(policy);
        await db.SaveChangesAsync(ct);
        return policy;
    }

    /// <summary>Changes the draft, or begins the next one after the published version.</summary>
    public async Task<PolicyVersion> ReviseAsync(
        ClientScope client,
        string etag,
        IReadOnlyList<AudienceRule> audiences,
        string? templateKey,
        CancellationToken ct
    )
    {
        var newest = await FindAsync(client.ClientId, 0, ct);
        RequireEtag(newest, etag);
        if (newest.State != PolicyState.Draft)
        {
            var key = templateKey ?? newest.TemplateKey;
            return await CreateAsync(client, newest.Version + 1, audiences, key, requestId: null, ct);
        }

        newest.Audiences = audiences;
        newest.TemplateKey = templateKey ?? newest.TemplateKey;
        await db.SaveChangesAsync(ct);
        return newest;
    }

    /// <summary>Puts the draft in force in the place of the version published before.</summary>
    public async Task<PolicyVersion> PublishAsync(
        ClientScope client,
        string etag,
        Guid? requestId,
        CancellationToken ct
    )
    {
        var draft = await FindAsync(client.ClientId, 0, ct);
        if (draft.State != PolicyState.Draft)
        {
            throw AppException.Precondition("DRAFT_MISSING", "Nothing has changed since the last publish");
        }

        RequireEtag(draft, etag);
        await db
            .Policies.Where(p => p.ClientId == client.ClientId && p.State == PolicyState.Published)
            .ExecuteUpdateAsync(set => set.SetProperty(p => p.State, PolicyState.Superseded), ct);
        draft.State = PolicyState.Published;
        draft.PublishedAt = clock.GetUtcNow();
        draft.PublishedBy = caller.Caller.Subject;
        draft.PublishRequestId = requestId;
        client.PublishedVersion = draft.Version;
        await db.SaveChangesAsync(ct);
        return draft;
    }

    private static void RequireEtag(PolicyVersion policy, string etag)
    {
        if (etag != policy.Etag())
        {
            throw AppException.Stale("policy", policy.ClientId);
        }
    }
}
