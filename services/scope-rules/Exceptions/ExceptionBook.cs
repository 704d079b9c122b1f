using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Scope.V1;
using Rollcall.Platform;
using Rollcall.ScopeRules.Api;
using Rollcall.ScopeRules.Data;

namespace Rollcall.ScopeRules.Exceptions;

/// <summary>The exceptions of a client with the people they cover.</summary>
public sealed class ExceptionBook(ScopeDbContext db)
{
    private const int Shown = 50;

    public Task<ExceptionRow?> FindByRequestAsync(Guid clientId, Guid? requestId, CancellationToken ct) =>
        db.Exceptions.SingleOrDefaultAsync(e => e.ClientId == clientId && e.RequestId == requestId, ct);

    public async Task<Guid> RequireUserAsync(Guid clientId, Guid userId, CancellationToken ct) =>
        await db.RosterUserAsync(clientId, userId, ct) is not null
            ? userId
            : throw AppException.NotFound("user", userId);

    /// <summary>The people who are in the group now.</summary>
    public async Task<List<Guid>> RequireMembersAsync(Guid clientId, Guid groupId, CancellationToken ct)
    {
        var id = groupId.ToString();
        if (!(await db.RosterGroupsAsync(clientId, ct)).Any(g => g.Id == id && !g.Removed))
        {
            throw AppException.NotFound("group", groupId);
        }

        var members = new List<Guid>();
        await foreach (var page in db.RosterPagesAsync(clientId, ct))
        {
            members.AddRange(page.Where(u => IsThere(u) && u.GroupIds.Contains(id)).Select(u => Guid.Parse(u.Id)));
        }

        return members.Count > 0 ? members : throw AppException.Precondition("GROUP_EMPTY", "Nobody is in the group");
    }

    public async Task AddAsync(ExceptionRow exception, IReadOnlyCollection<Guid> people, CancellationToken ct)
    {
        db.Exceptions.Add(exception);
        var ids = people.ToArray();
        await db.Database.ExecuteSqlAsync(
            $"""
            insert into exception_person (msp_id, client_id, exception_id, user_id)
            select {exception.MspId}, {exception.ClientId}, {exception.Id}, id from unnest({ids}) as id
            """,
            ct
        );
    }

    public Task<List<Guid>> PeopleAsync(Guid clientId, Guid id, CancellationToken ct) =>
        db
            .ExceptionPeople.Where(p => p.ClientId == clientId && p.ExceptionId == id)
            .Select(p => p.UserId)
            .ToListAsync(ct);

    public async Task<List<ScopeException>> ShowAsync(
        Guid clientId,
        IReadOnlyList<ExceptionRow> exceptions,
        CancellationToken ct
    )
    {
        var ids = exceptions.Select(e => e.Id).ToArray();
        var people = await db
            .ExceptionPeople.Where(p => p.ClientId == clientId && ids.Contains(p.ExceptionId))
            .GroupBy(p => p.ExceptionId)
            .Select(g => new
            {
                g.Key,
                First = g.OrderBy(p => p.UserId).Take(Shown).Select(p => p.UserId).ToList(),
                Lapsed = g.Count(p => p.LapsedAt != null),
            })
            .ToDictionaryAsync(g => g.Key, ct);
        return [.. exceptions.Select(e => e.ToProto(people[e.Id].First, people[e.Id].Lapsed))];
    }

    private static bool IsThere(User user) => user.State is UserState.Active or UserState.Disabled;
}
