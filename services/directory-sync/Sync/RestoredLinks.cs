using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Graph;

namespace Rollcall.DirectorySync.Sync;

/// <summary>
/// What is restored gets its links back without a word. A group that a delta round brings for the first time may be an
/// old one, deleted before we ever looked: it is asked where it belongs, and the answer becomes a page of the round. The
/// same goes for groups and people that changed while a full round read: they may have come back meanwhile, after the
/// groups they are in and the people they manage, and before themselves.
/// </summary>
public sealed class RestoredLinks(IServiceScopeFactory scopes, GraphBatch batch)
{
    /// <summary>More are not asked one by one: everything is read again.</summary>
    private const int Most = 400;

    /// <summary>A delta's groups, with one page more where new ones are in others.</summary>
    public async Task<StreamPages> WithParentsAsync(SyncLease lease, StreamPages groups, CancellationToken ct)
    {
        if (groups.IsEmpty)
        {
            return groups;
        }

        var words = await WordsAsync(groups, ct);
        Guid[] living = [.. Living(words)];
        var strangers = living.Except(await KnownAsync(lease, living, alsoRemoved: true, ct)).ToList();
        if (strangers.Count > Most)
        {
            throw new GraphException(
                GraphFailure.ResyncRequired,
                "MANY_NEW_GROUPS",
                $"{strangers.Count} groups are new: everything is read again"
            );
        }

        var links = await LinksAsync(lease.DirectoryTenantId, "group", strangers, ct);
        if (links.Count == 0)
        {
            return groups;
        }

        // What is unknown here, or removed, will bring its members itself, and what the round has lost must not come back
        // by this.
        var parents = await KnownAsync(lease, [.. links.Select(l => l.Group).Distinct()], alsoRemoved: false, ct);
        parents.ExceptWith(words.Keys);
        parents.UnionWith(living);
        return With(groups, links, parents, await ToldAsync(groups, ct));
    }

    /// <summary>A full round's groups, with one page more where those who changed meanwhile are in some.</summary>
    /// <param name="groups">All of them, the later ones too.</param>
    public async Task<StreamPages> WithParentsAsync(
        SyncLease lease,
        StreamPages groups,
        StreamPages laterUsers,
        StreamPages laterGroups,
        CancellationToken ct
    )
    {
        List<Guid> later = [.. Living(await WordsAsync(laterGroups, ct))];
        var links = await LinksAsync(lease.DirectoryTenantId, "group", later, ct);
        links.AddRange(await LinksAsync(lease.DirectoryTenantId, "user", await PeopleAsync(laterUsers, ct), ct));
        return links.Count == 0
            ? groups
            : With(groups, links, [.. Living(await WordsAsync(groups, ct))], await ToldAsync(laterGroups, ct));
    }

    /// <summary>A full round's people, with one page more where those who changed meanwhile manage some.</summary>
    /// <param name="users">All of them, the later ones too.</param>
    public async Task<StreamPages> WithManagersAsync(
        SyncLease lease,
        StreamPages users,
        StreamPages laterUsers,
        CancellationToken ct
    )
    {
        var managers = await PeopleAsync(laterUsers, ct);
        var answers = await batch.ListAsync(
            lease.DirectoryTenantId,
            managers,
            id => $"/users/{id}/directReports?$select=id&$top=999",
            ct
        );
        var reports = Linked(answers, "#microsoft.graph.user");
        if (reports.Count == 0)
        {
            return users;
        }

        // Who is not in the round will come by itself; who has a word on the manager in it has the last one.
        var there = (await PeopleAsync(users, ct)).ToHashSet();
        await foreach (var page in laterUsers.UsersAsync(ct))
        {
            there.ExceptWith(page.Where(e => e.ManagerChanged).Select(e => e.ObjectId));
        }

        reports.RemoveAll(r => !there.Contains(r.Linked));
        return reports.Count == 0
            ? users
            : users with
            {
                InMemory = [.. users.InMemory, Page("manager@delta", reports.Select(r => (r.Linked, r.Asked, "user")))],
            };
    }

    private static StreamPages With(
        StreamPages groups,
        List<(Guid Group, Guid Member, string Type)> links,
        HashSet<Guid> parents,
        HashSet<(Guid Group, Guid Member)> told
    )
    {
        links = links.FindAll(l => parents.Contains(l.Group) && !told.Contains((l.Group, l.Member)));
        return links.Count == 0
            ? groups
            : groups with
            {
                InMemory = [.. groups.InMemory, Page("members@delta", links)],
            };
    }

    /// <summary>The groups of the pages, and whether the last word on each was its removal.</summary>
    private static async Task<Dictionary<Guid, bool>> WordsAsync(StreamPages groups, CancellationToken ct)
    {
        var words = new Dictionary<Guid, bool>();
        await foreach (var page in groups.GroupsAsync(ct))
        {
            foreach (var group in page)
            {
                words[group.ObjectId] = group.Removed is not null;
            }
        }

        return words;
    }

    private static IEnumerable<Guid> Living(Dictionary<Guid, bool> words) =>
        words.Where(w => !w.Value).Select(w => w.Key);

    /// <summary>The links the pages have a word on: it holds.</summary>
    private static async Task<HashSet<(Guid Group, Guid Member)>> ToldAsync(StreamPages groups, CancellationToken ct)
    {
        var told = new HashSet<(Guid, Guid)>();
        await foreach (var page in groups.GroupsAsync(ct))
        {
            told.UnionWith(page.SelectMany(g => g.Members.Select(m => (g.ObjectId, m.ObjectId))));
        }

        return told;
    }

    private static async Task<List<Guid>> PeopleAsync(StreamPages users, CancellationToken ct)
    {
        var living = new HashSet<Guid>();
        await foreach (var page in users.UsersAsync(ct))
        {
            living.UnionWith(page.Where(e => e.Removed is null).Select(e => e.ObjectId));
        }

        return [.. living];
    }

    private Task<HashSet<Guid>> KnownAsync(SyncLease lease, Guid[] ids, bool alsoRemoved, CancellationToken ct) =>
        InTenantAsync(
            lease,
            db =>
                db.Groups.Where(g => g.ClientId == lease.ClientId && ids.Contains(g.ObjectId))
                    .Where(g => alsoRemoved || !g.Removed)
                    .Select(g => g.ObjectId)
                    .ToHashSetAsync(ct),
            ct
        );

    private async Task<List<(Guid Group, Guid Member, string Type)>> LinksAsync(
        Guid directory,
        string type,
        List<Guid> members,
        CancellationToken ct
    )
    {
        var answers = await batch.ListAsync(
            directory,
            members,
            id => $"/{type}s/{id}/memberOf?$select=id&$top=999",
            ct
        );
        return [.. Linked(answers, "#microsoft.graph.group").Select(l => (l.Linked, l.Asked, type))];
    }

    /// <summary>What each of those asked is linked with.</summary>
    private static List<(Guid Asked, Guid Linked)> Linked(List<(Guid Of, JsonElement Item)> answers, string type)
    {
        try
        {
            return
            [
                .. answers
                    .Where(a => a.Item.GetProperty("@odata.type").GetString() == type)
                    .Select(a => (a.Of, a.Item.GetProperty("id").GetGuid())),
            ];
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw GraphException.Garbage("the links of an object are not as documented", e);
        }
    }

    /// <summary>As the stream would have told it.</summary>
    private static byte[] Page(string links, IEnumerable<(Guid Id, Guid Linked, string Type)> entries)
    {
        using var body = new MemoryStream();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteStartArray("value");
            foreach (var entry in entries)
            {
                json.WriteStartObject();
                json.WriteString("id", entry.Id);
                json.WriteStartArray(links);
                json.WriteStartObject();
                json.WriteString("@odata.type", $"#microsoft.graph.{entry.Type}");
                json.WriteString("id", entry.Linked);
                json.WriteEndObject();
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return body.ToArray();
    }

    private async Task<T> InTenantAsync<T>(
        SyncLease lease,
        Func<DirectoryDbContext, Task<T>> work,
        CancellationToken ct
    )
    {
        await using var scope = scopes.Enter(lease);
        var db = scope.ServiceProvider.GetRequiredService<DirectoryDbContext>();
        await using var transaction = await db.BeginAsync(ct);
        return await work(db);
    }
}
