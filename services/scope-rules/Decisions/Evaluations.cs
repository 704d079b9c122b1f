using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Scope.V1;
using Rollcall.Platform;
using Rollcall.ScopeRules.Data;
using Rollcall.ScopeRules.Policies;

namespace Rollcall.ScopeRules.Decisions;

/// <summary>The three reasons to decide again: the roster changed, everyone is due, or time has come for some.</summary>
public sealed class Evaluations(ScopeDbContext db, ClientScopes clients, DecisionWriter writer, TimeProvider clock)
{
    /// <summary>Due whatever the clock says.</summary>
    private static readonly DateTimeOffset AtOnce = DateTimeOffset.UnixEpoch;

    /// <summary>Takes in a part of a roster version and evaluates the people of each version that is now complete.</summary>
    public async Task ReceiveAsync(RosterChanged message, CancellationToken ct)
    {
        var (msp, clientId) = (Guid.Parse(message.MspId), Guid.Parse(message.ClientId));
        var client = await clients.LockAsync(msp, clientId, ct);
        var policy = await PublishedAsync(client, ct);
        var known = await GroupsBeforeAsync(policy, clientId, message, ct);
        var touched = new List<Guid>();

        await db.ReceiveRosterAsync(
            message,
            async part =>
            {
                touched.AddRange(part.Users.Select(u => Guid.Parse(u.Id)));
                if (part.Groups.Any(g => known.TryGetValue(g.Id, out var old) && IsAnother(old, g)))
                {
                    // A renamed group may let people in or out whom the roster has not touched.
                    client.SweepAfter = Guid.Empty;
                }

                // Only when the whole version is in the copy: an early part may name groups of a later one.
                if (policy is not null && part.Part == part.Parts)
                {
                    await EvaluateAsync(client, policy, touched, part.RosterVersion, rosterChange: true, ct);
                    touched.Clear();
                }
            },
            ct
        );
        await SetNextAsync(client, ct);
    }

    /// <summary>A page of what is due at the client: of a sweep over everyone, or people whose time has come.</summary>
    /// <returns>False: nothing was due, or another instance is at it.</returns>
    public async Task<bool> RunDueAsync(Guid clientId, CancellationToken ct)
    {
        await using var transaction = await db.BeginAsync(ct);
        var client = await clients.TryLockAsync(clientId, ct);
        if (client?.NextEvaluationAt is not { } next || next > clock.GetUtcNow())
        {
            return false;
        }

        if (await PublishedAsync(client, ct) is not { } policy)
        {
            // The first publish looks at everyone.
            client.SweepAfter = null;
            await db.DueEvaluations.Where(d => d.ClientId == clientId).ExecuteDeleteAsync(ct);
        }
        else
        {
            var ids = client.SweepAfter is { } after
                ? await SweepPageAsync(client, after, ct)
                : await DuePageAsync(clientId, ct);
            var version = await db.RosterVersionAsync(clientId, ct);
            await EvaluateAsync(client, policy, ids, version, rosterChange: false, ct);
        }

        await SetNextAsync(client, ct);
        await db.SaveChangesAsync(ct);
        await transaction.CommitAsync(ct);
        return true;
    }

    /// <summary>What the rules would change for the people now in the roster, held against the published ones.</summary>
    public async Task<PreviewPolicyResponse> PreviewAsync(ClientScope client, PolicyRules rules, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        var published = await OpenPublishedAsync(client, ct);
        var draft = await Evaluation.OpenAsync(db, client, rules, now, ct);
        var preview = new PolicyPreview(published?.Policy, rules);
        await foreach (var page in db.RosterPagesAsync(client.ClientId, ct))
        {
            var before = published is null ? [] : await published.DecideAsync(page, ct);
            var after = await draft.DecideAsync(page, ct);
            for (var i = 0; i < page.Count; i++)
            {
                preview.Add(page[i], published is null ? null : before[i].Outcome, after[i].Outcome);
            }
        }

        preview.Compare(await db.RosterGroupsAsync(client.ClientId, ct));
        return preview.Result(await db.RosterVersionAsync(client.ClientId, ct));
    }

    /// <summary>Null before the first policy is published.</summary>
    public async Task<Evaluation?> OpenPublishedAsync(ClientScope client, CancellationToken ct) =>
        await PublishedAsync(client, ct) is { } policy
            ? await Evaluation.OpenAsync(db, client, policy, clock.GetUtcNow(), ct)
            : null;

    private async Task<PolicyRules?> PublishedAsync(ClientScope client, CancellationToken ct)
    {
        if (client.PublishedVersion is not { } version)
        {
            return null;
        }

        var policy = await db
            .Policies.AsNoTracking()
            .SingleAsync(p => p.ClientId == client.ClientId && p.Version == version, ct);
        return PolicyRules.Parse(version, policy.Audiences);
    }

    /// <summary>Has the worker evaluate everyone.</summary>
    public static void StartSweep(ClientScope client)
    {
        client.SweepAfter = Guid.Empty;
        client.NextEvaluationAt = AtOnce;
    }

    /// <summary>Has the worker evaluate these people.</summary>
    public async Task StartAsync(ClientScope client, IReadOnlyCollection<Guid> users, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        var ids = users.ToArray();
        await db.Database.ExecuteSqlAsync(
            $"""
            insert into due_evaluation (msp_id, client_id, user_id, due_at)
            select {client.MspId}, {client.ClientId}, id, {now} from unnest({ids}) as id
            on conflict (client_id, user_id) do update set due_at = least(due_evaluation.due_at, excluded.due_at)
            """,
            ct
        );
        client.NextEvaluationAt = AtOnce;
    }

    /// <summary>The groups as they are before the message, if rules ask for groups and it completes its version.</summary>
    private async Task<Dictionary<string, Group>> GroupsBeforeAsync(
        PolicyRules? policy,
        Guid clientId,
        RosterChanged message,
        CancellationToken ct
    )
    {
        if (policy is not { UsesGroups: true })
        {
            return [];
        }

        // The client is locked: no other part can arrive in between.
        var others = await db.Set<RosterPart>()
            .CountAsync(
                p => p.ClientId == clientId && p.Version == message.RosterVersion && p.Part != message.Part,
                ct
            );
        var groups = others == message.Parts - 1 ? await db.RosterGroupsAsync(clientId, ct) : [];
        return groups.ToDictionary(g => g.Id, StringComparer.Ordinal);
    }

    private async Task EvaluateAsync(
        ClientScope client,
        PolicyRules policy,
        List<Guid> ids,
        long rosterVersion,
        bool rosterChange,
        CancellationToken ct
    )
    {
        var evaluation = await Evaluation.OpenAsync(db, client, policy, clock.GetUtcNow(), ct);
        var changed = false;
        foreach (var page in ids.Distinct().Chunk(DecisionWriter.PageSize))
        {
            var users = await db.RosterUsersAsync(client.ClientId, page, ct);
            changed |= await writer.EvaluateAsync(evaluation, users, rosterVersion, rosterChange, ct);
        }

        if (rosterChange && !changed)
        {
            // Nobody's decision changed, but reports must know that the decisions rest on this version now.
            await writer.PublishAsync(client, evaluation, rosterVersion, [], ct);
        }
    }

    private async Task<List<Guid>> SweepPageAsync(ClientScope client, Guid after, CancellationToken ct)
    {
        var ids = await db.Set<RosterUser>()
            .Where(u => u.ClientId == client.ClientId && u.UserId > after)
            .OrderBy(u => u.UserId)
            .Take(DecisionWriter.PageSize)
            .Select(u => u.UserId)
            .ToListAsync(ct);
        client.SweepAfter = ids.Count < DecisionWriter.PageSize ? null : ids[^1];
        return ids;
    }

    private Task<List<Guid>> DuePageAsync(Guid clientId, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        return db
            .DueEvaluations.Where(d => d.ClientId == clientId && d.DueAt <= now)
            .OrderBy(d => d.DueAt)
            .Take(DecisionWriter.PageSize)
            .Select(d => d.UserId)
            .ToListAsync(ct);
    }

    private async Task SetNextAsync(ClientScope client, CancellationToken ct) =>
        client.NextEvaluationAt = client.SweepAfter is null
            ? await db
                .DueEvaluations.Where(d => d.ClientId == client.ClientId)
                .MinAsync(d => (DateTimeOffset?)d.DueAt, ct)
            : AtOnce;

    private static bool IsAnother(Group old, Group now) =>
        old.DisplayName != now.DisplayName || old.Removed != now.Removed || old.ExternalId != now.ExternalId;
}
