using Microsoft.Extensions.Options;
using Rollcall.DirectorySync.Graph;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Sync;

/// <summary>
/// Reads a round: both streams, page by page, to their delta links. Small rounds stay in memory; a big one is put into
/// the database window by window, which keeps memory flat and lets a crash resume behind the last window.
/// </summary>
public sealed class RoundReader(
    PageStore store,
    GraphDirectory graph,
    RestoredLinks restored,
    IOptions<GraphOptions> options
)
{
    public async Task<(StreamPages Users, StreamPages Groups)> ReadAsync(
        SyncLease lease,
        RunProgress? progress,
        CancellationToken ct
    )
    {
        if (!lease.IsFull)
        {
            var changed = ReadAsync(lease, DeltaKind.Users, lease.UsersCursor, progress, ct);
            var groups = ReadAsync(lease, DeltaKind.Groups, lease.GroupsCursor, progress, ct);
            await Task.WhenAll(changed, groups);
            return (await changed, await restored.WithParentsAsync(lease, await groups, ct));
        }

        return await ReadAllAsync(lease, progress, ct);
    }

    /// <summary>
    /// Everything, and at the end what changed meanwhile. What that tells begins with the first page of people: groups are
    /// read after it, lest somebody be gone from a group and, unnoticed, there among the people.
    /// </summary>
    private async Task<(StreamPages Users, StreamPages Groups)> ReadAllAsync(
        SyncLease lease,
        RunProgress? progress,
        CancellationToken ct
    )
    {
        var begun = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        var users = ReadAsync(lease, DeltaKind.Users, cursor: null, progress, ct, begun);
        // Ends here if not even that page could be read: groups read before it are of no use.
        await await Task.WhenAny(begun.Task, users);
        var goesOn = await begun.Task;
        var groups = ReadAsync(lease, DeltaKind.Groups, cursor: null, progress, ct, goesOn: goesOn);
        try
        {
            await Task.WhenAll(users, groups);
        }
        catch (GraphException e) when (e.Failure is GraphFailure.Throttled or GraphFailure.Transient)
        {
            // The one that was read to its end is not to be read again.
            foreach (var read in new[] { users, groups }.Where(r => r.IsCompletedSuccessfully))
            {
                await KeepAsync(lease, await read, ct);
            }

            throw;
        }

        var laterUsers = LaterAsync(lease, await users, ct);
        var laterGroups = LaterAsync(lease, await groups, ct);
        await Task.WhenAll(laterUsers, laterGroups);
        var (people, all) = ((await users).With(await laterUsers), (await groups).With(await laterGroups));
        return (
            await restored.WithManagersAsync(lease, people, await laterUsers, ct),
            await restored.WithParentsAsync(lease, all, await laterUsers, await laterGroups, ct)
        );
    }

    /// <summary>What has changed while a full round read, which takes its time.</summary>
    private async Task<StreamPages> LaterAsync(SyncLease lease, StreamPages read, CancellationToken ct)
    {
        List<byte[]> pages = [];
        string? delta = null;
        var circle = new LinkCircle();
        for (var link = read.DeltaLink; delta is null; )
        {
            pages.Add(await NextAsync(lease, read.Kind, link, () => KeepAsync(lease, read, ct), ct));
            (link, delta) = GraphPage.Links(pages[^1]);
            circle.Follow(link);
        }

        return read with
        {
            StagedCount = 0,
            InMemory = pages,
            DeltaLink = delta,
        };
    }

    private Task KeepAsync(SyncLease lease, StreamPages read, CancellationToken ct) =>
        read.InMemory.Count == 0
            ? Task.CompletedTask
            : store.AddAsync(
                lease,
                read.Kind,
                lease.Origin(cursor: null),
                read.StagedCount,
                [.. read.InMemory.Select(Linked)],
                ct
            );

    private static (byte[] Body, string? Next, string? Delta) Linked(byte[] page)
    {
        var (next, delta) = GraphPage.Links(page);
        return (page, next, delta);
    }

    private async Task<StreamPages> ReadAsync(
        SyncLease lease,
        DeltaKind kind,
        string? cursor,
        RunProgress? progress,
        CancellationToken ct,
        TaskCompletionSource<bool>? begun = null,
        bool goesOn = true
    )
    {
        var origin = lease.Origin(cursor);
        var (staged, link, delta) = lease.HasPages
            ? await store.ResumeAsync(lease, kind, goesOn ? origin : "", ct)
            : (0, null, null);
        if (staged > 0)
        {
            begun?.TrySetResult(true);
        }

        link ??= cursor;
        var circle = new LinkCircle();
        var window = new List<(byte[] Body, string? Next, string? Delta)>();
        var bytes = 0;
        while (delta is null)
        {
            var page = await NextAsync(
                lease,
                kind,
                link,
                () => window.Count == 0 ? Task.CompletedTask : store.AddAsync(lease, kind, origin, staged, window, ct),
                ct
            );
            begun?.TrySetResult(false);
            (var next, delta) = GraphPage.Links(page, out var entries);
            circle.Follow(next);
            window.Add((page, next, delta));
            bytes += page.Length;
            link = next;
            progress?.OnPage(kind, entries);
            CrashPoints.Reach("after-page");
            if (bytes > options.Value.WindowBytes && delta is null)
            {
                await store.AddAsync(lease, kind, origin, staged, window, ct);
                CrashPoints.Reach("after-spill");
                staged += window.Count;
                window.Clear();
                bytes = 0;
            }
        }

        return new(kind, lease.IsPreview, [.. window.Select(p => p.Body)], staged, delta)
        {
            Staged = ct => store.ReadAsync(lease, kind, ct),
        };
    }

    /// <summary>Before it gives up what was read is kept: the next attempt goes on there, however often Graph makes us wait.</summary>
    private async Task<byte[]> NextAsync(
        SyncLease lease,
        DeltaKind kind,
        string? link,
        Func<Task> keep,
        CancellationToken ct
    )
    {
        try
        {
            return await graph.ReadPageAsync(lease.DirectoryTenantId, kind, link, lease.Urgency, ct);
        }
        catch (GraphException e) when (e.Failure is GraphFailure.Throttled or GraphFailure.Transient)
        {
            await keep();
            throw;
        }
    }
}
