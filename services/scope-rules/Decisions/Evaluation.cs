using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Scope.V1;
using Rollcall.Platform;
using Rollcall.ScopeRules.Data;
using Rollcall.ScopeRules.Rules;

namespace Rollcall.ScopeRules.Decisions;

/// <summary>What decisions of one client rest on, for one unit of work: policy, groups, calendar, time.</summary>
public sealed class Evaluation(
    ScopeDbContext db,
    ClientScope client,
    PolicyRules policy,
    IReadOnlyDictionary<string, Group> groups,
    DateTimeOffset now
)
{
    private readonly Decider decider = new(policy, Calendar.Of(client.TimeZone), client.LeaverAfterDays, now);

    public ClientScope Client => client;
    public PolicyRules Policy => policy;
    public DateTimeOffset Now => now;

    public static async Task<Evaluation> OpenAsync(
        ScopeDbContext db,
        ClientScope client,
        PolicyRules policy,
        DateTimeOffset now,
        CancellationToken ct
    )
    {
        var groups = policy.UsesGroups ? await db.RosterGroupsAsync(client.ClientId, ct) : [];
        return new(db, client, policy, groups.ToDictionary(g => g.Id, StringComparer.Ordinal), now);
    }

    /// <summary>What the policy says of these people; nothing is written.</summary>
    public async Task<List<(User User, Outcome Outcome)>> DecideAsync(IReadOnlyList<User> users, CancellationToken ct)
    {
        var exceptions = await ExceptionsAsync(users, ct);
        return [.. users.Select(u => (u, decider.Decide(new(Subject(u), [.. exceptions[Guid.Parse(u.Id)]]))))];
    }

    /// <summary>The same for one person, telling each step.</summary>
    public async Task<(Outcome Outcome, List<ExplainStep> Trail)> ExplainAsync(User user, CancellationToken ct)
    {
        var exceptions = await ExceptionsAsync([user], ct);
        var trail = new List<ExplainStep>();
        return (decider.Decide(new(Subject(user), [.. exceptions[Guid.Parse(user.Id)]]), trail), trail);
    }

    public RuleSubject Subject(User user) => new(user, groups);

    private async Task<ILookup<Guid, Exemption>> ExceptionsAsync(IReadOnlyList<User> users, CancellationToken ct)
    {
        var ids = users.Select(u => Guid.Parse(u.Id)).ToArray();
        var rows = await db
            .ExceptionPeople.AsNoTracking()
            .Where(p => p.ClientId == client.ClientId && ids.Contains(p.UserId) && p.LapsedAt == null)
            .Join(
                db.Exceptions.AsNoTracking().InForce(client.ClientId, now),
                p => p.ExceptionId,
                e => e.Id,
                (p, e) => new { p.UserId, Exception = e }
            )
            .ToListAsync(ct);
        return rows.OrderBy(r => r.Exception.Id)
            .ToLookup(
                r => r.UserId,
                r => new Exemption(
                    r.Exception.Id,
                    r.Exception.Kind,
                    r.Exception.Audiences,
                    r.Exception.Reason,
                    r.Exception.ExpiresAt
                )
            );
    }
}
