namespace Rollcall.DirectorySync.Sync;

/// <summary>A group that is a member of another one.</summary>
/// <param name="IsNew">Nobody is in a group because of it yet, so it may wait; the others are never taken back.</param>
public sealed record Nesting(Guid Member, Guid Group, bool IsNew);

/// <summary>
/// Decides which nestings are followed. Groups nested criss-cross put everybody into every group: what people inherit
/// grows with the square of the groups, and no roster holds it. No I/O.
/// </summary>
public sealed class NestingLimit
{
    /// <summary>Groups above so many others go first. Microsoft's own tokens name no more than 200 groups of a person.</summary>
    private static readonly int[] Steps = [200, 100, 50, 20, 10, 5, 2, 1];

    private readonly IReadOnlyList<Nesting> nestings;
    private readonly Dictionary<Guid, int> numbers = [];
    private readonly int[] people;
    private readonly int[] seen;
    private int look;

    /// <param name="people">How many people are direct members of a group.</param>
    public NestingLimit(IReadOnlyList<Nesting> nestings, IReadOnlyDictionary<Guid, int> people)
    {
        this.nestings = nestings;
        foreach (var id in nestings.SelectMany(n => new[] { n.Member, n.Group }))
        {
            numbers.TryAdd(id, numbers.Count);
        }

        this.people = [.. numbers.Keys.Select(id => people.GetValueOrDefault(id))];
        seen = new int[numbers.Count];
    }

    /// <summary>Whether all of it comes to more than this: inherited memberships, of people and of the groups themselves.</summary>
    public bool Exceeds(long most) => Exceeds(Above(new bool[nestings.Count]), most);

    /// <returns>For each nesting whether it waits: new ones of the groups with the most above them, as few as will do.</returns>
    public bool[] Hold(long most)
    {
        var held = new bool[nestings.Count];
        var above = Above(held);
        if (!Exceeds(above, most))
        {
            return held;
        }

        var reach = Enumerable.Range(0, above.Length).Select(g => Reach(above, g, Steps[0])).ToArray();
        foreach (var step in Steps)
        {
            for (var i = 0; i < held.Length; i++)
            {
                held[i] = nestings[i].IsNew && reach[numbers[nestings[i].Member]] >= step;
            }

            if (!Exceeds(Above(held), most))
            {
                break;
            }
        }

        return held;
    }

    private bool Exceeds(List<int>[] above, long most)
    {
        long total = 0;
        for (var group = 0; group < above.Length && total <= most; group++)
        {
            total += (people[group] + 1L) * Reach(above, group, int.MaxValue);
        }

        return total > most;
    }

    private List<int>[] Above(bool[] held)
    {
        var above = new List<int>[numbers.Count];
        for (var i = 0; i < above.Length; i++)
        {
            above[i] = [];
        }

        for (var i = 0; i < held.Length; i++)
        {
            if (!held[i])
            {
                above[numbers[nestings[i].Member]].Add(numbers[nestings[i].Group]);
            }
        }

        return above;
    }

    /// <summary>How many groups a group is in, through others too; no more than asked for are counted.</summary>
    private int Reach(List<int>[] above, int group, int most)
    {
        look++;
        seen[group] = look;
        var found = 0;
        var next = new Stack<int>([group]);
        while (found < most && next.TryPop(out var at))
        {
            foreach (var parent in above[at].Where(p => seen[p] != look))
            {
                seen[parent] = look;
                found++;
                next.Push(parent);
            }
        }

        return Math.Min(found, most);
    }
}
