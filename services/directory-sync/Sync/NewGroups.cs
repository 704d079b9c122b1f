using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Graph;

namespace Rollcall.DirectorySync.Sync;

/// <summary>
/// A group that a delta round brings for the first time may be an old one, deleted before we ever looked and restored
/// now: the groups it is in say nothing of it. So it is asked where it belongs, and the answer becomes a page of the round.
/// The same goes for all groups and people of the delta after a full round: they may have come back while that read, after
/// the groups they are in and before themselves.
/// </summary>
public sealed class NewGroups(IServiceScopeFactory scopes, GraphBatch batch)
{
    /// <summary>More are not asked one by one: everything is read again.</summary>
    private const int Most = 400;

    /// <summary>The pages, with one more where new groups are in others.</summary>
    public async Task<StreamPages> WithParentsAsync(
        SyncLease lease,
        StreamPages users,
        StreamPages groups,
        CancellationToken ct
    )
    {
        if (lease.IsFull || (groups.IsEmpty && (users.IsEmpty || !lease.JustReadAll)))
        {
            return groups;
        }

        var (words, told) = await WordsAsync(groups, ct);
        var living = words.Where(w => !w.Value).Select(w => w.Key).ToHashSet();
        var strangers = living.Except(await KnownAsync(lease, [.. living], alsoRemoved: true, ct)).ToList();
        if (strangers.Count > Most)
        {
            throw new GraphException(
                GraphFailure.ResyncRequired,
                "MANY_NEW_GROUPS",
                $"{strangers.Count} groups are new: everything is read again"
            );
        }

        var asked = lease.JustReadAll ? [.. living] : strangers;
        var links = await LinksAsync(lease.DirectoryTenantId, "group", asked, ct);
        if (lease.JustReadAll)
        {
            links.AddRange(await LinksAsync(lease.DirectoryTenantId, "user", await PeopleAsync(users, ct), ct));
        }

        if (links.Count == 0)
        {
            return groups;
        }

        // What is unknown here, or removed, will bring its members itself, and what the round has lost must not come back
        // by this.
        var parents = await KnownAsync(lease, [.. links.Select(l => l.Group).Distinct()], alsoRemoved: false, ct);
        parents.ExceptWith(words.Where(w => w.Value).Select(w => w.Key));
        parents.UnionWith(living);
        links = links.FindAll(l => parents.Contains(l.Group) && !told.Contains((l.Group, l.Member)));
        return links.Count == 0 ? groups : groups with { InMemory = [.. groups.InMemory, Page(links)] };
    }

    /// <summary>The groups of the round, whether the last word on each was its removal, and the links it has a word on.</summary>
    private static async Task<(Dictionary<Guid, bool> Words, HashSet<(Guid Group, Guid Member)> Told)> WordsAsync(
        StreamPages groups,
        CancellationToken ct
    )
    {
        var words = new Dictionary<Guid, bool>();
        var told = new HashSet<(Guid, Guid)>();
        await foreach (var page in groups.GroupsAsync(ct))
        {
            foreach (var group in page)
            {
                words[group.ObjectId] = group.Removed is not null;
                told.UnionWith(group.Members.Select(m => (group.ObjectId, m.ObjectId)));
            }
        }

        return (words, told);
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
        var answers = await batch.ReadAsync(
            directory,
            members,
            id => $"/{type}s/{id}/memberOf?$select=id&$top=999",
            ct
        );
        try
        {
            return
            [
                .. answers
                    .Where(a => a.Value is not null)
                    .SelectMany(a =>
                        a.Value!.Value.GetProperty("value")
                            .EnumerateArray()
                            .Where(g => g.GetProperty("@odata.type").GetString() == "#microsoft.graph.group")
                            .Select(g => (g.GetProperty("id").GetGuid(), a.Key, type))
                    ),
            ];
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw GraphException.Garbage($"the groups of a {type} are not as documented", e);
        }
    }

    /// <summary>As the stream would have told it.</summary>
    private static byte[] Page(List<(Guid Group, Guid Member, string Type)> links)
    {
        using var body = new MemoryStream();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteStartArray("value");
            foreach (var link in links)
            {
                json.WriteStartObject();
                json.WriteString("id", link.Group);
                json.WriteStartArray("members@delta");
                json.WriteStartObject();
                json.WriteString("@odata.type", $"#microsoft.graph.{link.Type}");
                json.WriteString("id", link.Member);
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
