using Rollcall.GraphEmulator.Model;

namespace Rollcall.GraphEmulator.Graph;

/// <summary>Members of a group, direct or through other groups, and the groups an object is in.</summary>
public static class Links
{
    public static GraphAnswer Members(GraphCall call, string groupId, bool transitive, string? cast = null)
    {
        call.Require("GroupMember.Read.All", "Group.Read.All", "Directory.Read.All");
        var group = call.Find<Group>(groupId);
        var members = transitive ? Closure(group) : group.Edges.Where(Counts).Select(edge => edge.Member);
        var type = cast?.Replace("microsoft.graph.", "#microsoft.graph.", StringComparison.Ordinal);
        return Page(call, [.. members.Where(member => type is null || member.Schema.OdataType.Value == type)]);
    }

    public static GraphAnswer MemberOf(GraphCall call, DirectoryObject member)
    {
        call.Require("GroupMember.Read.All", "Directory.Read.All");
        var groups = call.Tenant.Groups.Where(group =>
            group.State == Existence.Active && group.Find(member.Id)?.Live == true
        );
        return Page(call, [.. groups]);
    }

    public static GraphAnswer DirectReports(GraphCall call, string userId)
    {
        call.Require("User.Read.All", "Directory.Read.All");
        var manager = call.Find<User>(userId);
        var reports = call.Tenant.Users.Where(user => user.State == Existence.Active && user.Manager == manager);
        return Page(call, [.. reports]);
    }

    /// <summary>Everything reachable, each once; the group itself is not its own member even in a cycle.</summary>
    public static List<DirectoryObject> Closure(Group group)
    {
        var (seen, found, open) = (
            new HashSet<Guid> { group.Id },
            new List<DirectoryObject>(),
            new Queue<Group>([group])
        );
        while (open.TryDequeue(out var next))
        {
            foreach (var edge in next.Edges.Where(edge => Counts(edge) && seen.Add(edge.Member.Id)))
            {
                found.Add(edge.Member);
                if (edge.Member is Group nested)
                {
                    open.Enqueue(nested);
                }
            }
        }

        return found;
    }

    private static bool Counts(Edge edge) => edge is { Live: true, Member.State: Existence.Active };

    private static GraphAnswer Page(GraphCall call, List<DirectoryObject> members)
    {
        // Graph may give less than was asked for.
        var (top, skip) = (Math.Min(Reads.Top(call), call.Tenant.Settings.PageSize), Reads.Skip(call));
        var users = call.Token.Roles.Contains("User.Read.All") || call.Token.Roles.Contains("Directory.Read.All");
        var userMask = users ? Mask(call, Schema.Users) : 0;
        var groupMask = Mask(call, Schema.Groups);
        return GraphAnswer.Json(writer =>
        {
            Reads.Context(writer, call, "directoryObjects");
            writer.WriteStartArray(ObjectWriter.Value);
            foreach (var member in members.Skip(skip).Take(top))
            {
                ObjectWriter.Live(writer, member, member is User ? userMask : groupMask, withType: true);
            }

            writer.WriteEndArray();
            if (skip + top < members.Count)
            {
                Reads.Next(writer, call, skip + top);
            }
        });
    }

    /// <summary>Members are of mixed types: a selected property the type lacks is left out.</summary>
    private static ulong Mask(GraphCall call, Schema schema)
    {
        if (call.Option("$select") is not { Length: > 0 } text)
        {
            return schema.DefaultMask;
        }

        var places = text.Split(',', StringSplitOptions.TrimEntries).Select(schema.Place).Where(place => place >= 0);
        return places.Aggregate(0UL, (mask, place) => mask | 1UL << place);
    }
}
