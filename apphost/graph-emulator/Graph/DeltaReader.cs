using Rollcall.GraphEmulator.Model;

namespace Rollcall.GraphEmulator.Graph;

/// <summary>One object of a delta page. Whole: new, restored or in an initial round, so never a sparse patch.</summary>
public readonly record struct DeltaEntry(
    DirectoryObject Target,
    ulong Changed,
    bool Whole,
    List<(DirectoryObject Member, bool On)> Links
);

/// <summary>Collects the objects and links of one page and says where the next page starts.</summary>
public sealed class DeltaReader(Tenant tenant, DeltaToken token, int pageSize, bool removedInInitial)
{
    private static readonly List<(DirectoryObject, bool)> NoLinks = [];

    private readonly ChangeLog log = tenant.LogOf(token.Schema);
    private readonly HashSet<Guid>? ids = token.Ids?.ToHashSet();
    private readonly bool navigates = (token.Mask & Schema.Navigation) != 0;
    private int linksLeft = tenant.Settings.LinksPerPage;

    public List<DeltaEntry> Entries { get; } = [];

    /// <summary>Fills <see cref="Entries"/>; returns the token of the next page or, at the end, of the next round.</summary>
    public DeltaToken Read()
    {
        var end =
            !token.Initial ? token.End
            : token.Groups ? tenant.Groups.Count
            : tenant.Users.Count;
        var offset = token.Offset;
        for (var at = token.At; at < end; at++, offset = 0)
        {
            if (Entries.Count == pageSize || linksLeft <= 0)
            {
                return Page(at, offset);
            }

            var next = token.Initial ? TakeObject((int)at, offset) : TakeChange(at, offset);
            if (next > 0)
            {
                return Page(at, next);
            }
        }

        return DeltaPage.Ended(token, tenant.Now);
    }

    private DeltaToken Page(long at, int offset) =>
        token with
        {
            Page = true,
            At = at,
            Offset = offset,
            IssuedAt = tenant.Now,
        };

    /// <summary>An object of an initial round. Returns the link to go on with when its links do not fit this page.</summary>
    private int TakeObject(int ordinal, int offset)
    {
        DirectoryObject target = token.Groups ? tenant.Groups[ordinal] : tenant.Users[ordinal];
        var removed =
            target.VisibleState == Existence.Deleted && (removedInInitial || tenant.Settings.RemovedInInitial);
        if (ids?.Contains(target.Id) == false || (target.VisibleState != Existence.Active && !removed))
        {
            return 0;
        }

        if (!navigates || removed || target is not Group group)
        {
            Entries.Add(
                new(target, 0, Whole: true, navigates && target is User user && !removed ? Manager(user) : NoLinks)
            );
            return 0;
        }

        return Take(group, 0, whole: true, offset, group.Edges, edge => Shown(edge) ? true : null);
    }

    /// <summary>The object of a log entry, at its last change of the round only.</summary>
    private int TakeChange(long position, int offset)
    {
        var last = log[position];
        var target = last.Target;
        if (!log.IsLastBefore(last, token.End) || ids?.Contains(target.Id) == false)
        {
            return 0;
        }

        var history = log.Back(last, token.Position).ToList();
        var moved = history.Exists(change => change.State is not null);
        var changed = history.Aggregate(0UL, (mask, change) => mask | change.Mask);
        if (target.VisibleState != Existence.Active)
        {
            if (moved)
            {
                Entries.Add(new(target, 0, Whole: true, NoLinks));
            }

            return 0;
        }

        if (navigates && target is Group group && Edges(group, history, moved) is { Count: > 0 } edges)
        {
            var changedEdges = history.Select(change => change.Edge).ToHashSet();
            return Take(group, changed, moved, offset, edges, edge => Show(edge, changedEdges.Contains(edge)));
        }

        var manager = navigates && target is User user ? ChangedManager(user, history, moved) : NoLinks;
        if (moved || manager.Count > 0 || (changed & token.Mask) != 0)
        {
            Entries.Add(new(target, changed, moved, manager));
        }

        return 0;
    }

    /// <summary>
    /// Takes links from a list whose order does not change during the round (a removed link keeps its place), so that
    /// the offset stays true whatever happens between two pages.
    /// </summary>
    private int Take(Group group, ulong changed, bool whole, int offset, List<Edge> edges, Func<Edge, bool?> show)
    {
        var links = new List<(DirectoryObject, bool)>(Math.Min(linksLeft, edges.Count - offset));
        while (offset < edges.Count && linksLeft > 0)
        {
            var edge = edges[offset++];
            if (show(edge) is { } on)
            {
                links.Add((edge.Member, on));
                linksLeft--;
            }
        }

        Entries.Add(new(group, changed, whole, links));
        return offset < edges.Count ? offset : 0;
    }

    /// <summary>A group that came (back) shows all its links, another only those that changed.</summary>
    private static List<Edge> Edges(Group group, List<Change> history, bool moved) =>
        moved ? group.Edges : [.. history.Select(change => change.Edge).OfType<Edge>().Reverse().Distinct()];

    private static bool Shown(Edge edge) =>
        edge.Visible && edge.Member.VisibleState is Existence.Active or Existence.Unborn;

    /// <summary>True: member; false: removed; null: nothing to say. A purged object never appears in its groups.</summary>
    private static bool? Show(Edge edge, bool changed) =>
        edge.Member.VisibleState == Existence.Purged ? null
        : changed ? edge.Visible
        : Shown(edge) ? true
        : null;

    private static List<(DirectoryObject, bool)> Manager(User user) =>
        user.VisibleManager is { VisibleState: Existence.Active or Existence.Unborn } manager
            ? [(manager, true)]
            : NoLinks;

    private static List<(DirectoryObject, bool)> ChangedManager(User user, List<Change> history, bool moved)
    {
        if (!moved && !history.Exists(change => (change.Mask & Schema.Navigation) != 0))
        {
            return NoLinks;
        }

        var old = history.Select(change => change.OldManager).OfType<User>().Distinct();
        return
        [
            .. old.Where(manager => manager != user.VisibleManager)
                .Select(manager => ((DirectoryObject)manager, false)),
            .. Manager(user),
        ];
    }
}
