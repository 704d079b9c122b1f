using Google.Protobuf.Collections;
using Npgsql;

namespace Rollcall.DirectorySync.Sync;

/// <summary>
/// A client's living groups and which are nested in which: of the groups somebody is in directly it makes all of them.
/// Worked out in memory and for the groups asked for only; held nestings (<see cref="Nestings"/>) bound it.
/// </summary>
public sealed class GroupsAbove
{
    private const string Load = """
        select object_id, group_id, imported from directory_group where client_id = @client and not removed order by group_id;
        select member_object_id, group_object_id from membership where client_id = @client and member_type = 2 and held_at is null
        """;

    /// <summary>By object id.</summary>
    private readonly Dictionary<Guid, Group> groups = [];

    /// <summary>As others know them, in order.</summary>
    private readonly List<string> ids = [];
    private readonly List<int> found = [];

    public static async Task<GroupsAbove> LoadAsync(NpgsqlConnection connection, Guid client, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(Load, connection) { CommandTimeout = 0 };
        command.Parameters.AddWithValue("client", client);
        await using var reader = await command.ExecuteReaderAsync(ct);
        var above = new GroupsAbove();
        while (await reader.ReadAsync(ct))
        {
            above.groups.Add(reader.GetGuid(0), new(above.ids.Count, reader.GetBoolean(2)));
            above.ids.Add(reader.GetGuid(1).ToString());
        }

        await reader.NextResultAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            if (above.groups.TryGetValue(reader.GetGuid(0), out var member))
            {
                member.In.Add(reader.GetGuid(1));
            }
        }

        return above;
    }

    /// <summary>Adds the ids of all imported groups above, each once, in order.</summary>
    /// <param name="direct">Object ids.</param>
    public void Add(Guid[] direct, RepeatedField<string> all)
    {
        found.Clear();
        foreach (var id in direct)
        {
            if (groups.TryGetValue(id, out var group))
            {
                found.AddRange(group.Above ??= Find(group));
            }
        }

        found.Sort();
        for (var i = 0; i < found.Count; i++)
        {
            if (i == 0 || found[i] != found[i - 1])
            {
                all.Add(ids[found[i]]);
            }
        }
    }

    private int[] Find(Group group)
    {
        HashSet<Group> above = [group];
        var next = new Stack<Group>(above);
        while (next.TryPop(out var at))
        {
            foreach (var id in at.In)
            {
                if (groups.TryGetValue(id, out var parent) && above.Add(parent))
                {
                    next.Push(parent);
                }
            }
        }

        return [.. above.Where(g => g.IsImported).Select(g => g.Number)];
    }

    private sealed class Group(int number, bool isImported)
    {
        public int Number { get; } = number;
        public bool IsImported { get; } = isImported;

        /// <summary>The groups it is a member of.</summary>
        public List<Guid> In { get; } = [];

        /// <summary>The numbers of all above it, itself among them; null: not asked for yet.</summary>
        public int[]? Above { get; set; }
    }
}
