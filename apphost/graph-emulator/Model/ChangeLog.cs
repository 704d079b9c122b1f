namespace Rollcall.GraphEmulator.Model;

/// <summary>One thing that happened to an object: properties, manager, one link, or its existence.</summary>
public sealed class Change
{
    public required DirectoryObject Target { get; init; }

    /// <summary>Changed properties; <see cref="Schema.Navigation"/> for a manager change.</summary>
    public ulong Mask { get; init; }
    public byte[]?[]? Values { get; init; }
    public User? OldManager { get; init; }
    public User? NewManager { get; init; }
    public Edge? Edge { get; init; }
    public bool EdgeOn { get; init; }
    public Existence? State { get; init; }
    public DateTimeOffset VisibleAt { get; set; }

    /// <summary>Neighbouring entries of the same object in the log, -1 at the ends.</summary>
    public int Previous { get; set; } = -1;
    public int Next { get; set; } = -1;

    /// <summary>The other end of a link; a link never becomes visible before what happened to its end earlier.</summary>
    public DirectoryObject? End => Edge?.Member ?? NewManager;

    /// <summary>Whether this change must not become visible before the earlier one.</summary>
    public bool Follows(Change earlier) =>
        Target == earlier.Target
            ? State is not null
                || earlier.State is not null
                || (Mask & earlier.Mask) != 0
                || (Edge is not null && Edge == earlier.Edge)
            : End == earlier.Target && earlier.State is not null;

    /// <summary>
    /// Brings the target's visible copy up to this change. A tenant being filled shares the array between both copies,
    /// which halves its memory; later ones may become visible out of order and are merged.
    /// </summary>
    public void MakeVisible(bool share)
    {
        if (Edge is not null)
        {
            Edge.Visible = EdgeOn && Edge.Member.State != Existence.Purged;
        }

        if (Target is User user && (Mask & Schema.Navigation) != 0)
        {
            user.VisibleManager = NewManager;
        }

        if (Values is not null)
        {
            Target.VisibleValues = share ? Values : Merge(Target.VisibleValues, Values, Mask);
        }

        Target.VisibleState = State ?? Target.VisibleState;
    }

    private static byte[]?[] Merge(byte[]?[] old, byte[]?[] changed, ulong mask)
    {
        var merged = (byte[]?[])old.Clone();
        for (var place = 0; place < merged.Length; place++)
        {
            if ((mask >> place & 1) != 0)
            {
                merged[place] = changed[place];
            }
        }

        return merged;
    }
}

/// <summary>Visible changes of one stream in the order they became visible; a delta token is a position in it.</summary>
public sealed class ChangeLog
{
    private readonly List<Change> entries = [];

    /// <summary>Position of the first entry kept: after a restart from a state file older positions are gone.</summary>
    public long Start { get; set; }
    public long End => Start + entries.Count;

    public Change this[long position] => entries[(int)(position - Start)];

    public long Position(int index) => Start + index;

    public void Add(Change change)
    {
        var index = entries.Count;
        change.Previous = change.Target.LastChange;
        if (change.Previous >= 0)
        {
            entries[change.Previous].Next = index;
        }

        change.Target.LastChange = index;
        entries.Add(change);
    }

    /// <summary>Whether nothing newer about the same object lies before <paramref name="end"/>.</summary>
    public bool IsLastBefore(Change change, long end) => change.Next < 0 || Position(change.Next) >= end;

    /// <summary>The object's changes since <paramref name="start"/>, newest first.</summary>
    public IEnumerable<Change> Back(Change from, long start)
    {
        for (var change = from; ; change = entries[change.Previous])
        {
            yield return change;
            if (change.Previous < 0 || Position(change.Previous) < start)
            {
                yield break;
            }
        }
    }
}
