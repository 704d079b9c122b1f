using System.Collections.Concurrent;
using System.Threading.Channels;
using Rollcall.DirectorySync.Sync;

namespace Rollcall.DirectorySync.Mailboxes;

/// <summary>
/// Clients whose mailboxes may be worth a look, offered after each sync. In memory alone: what is due stands in the
/// roster, and a client nobody has looked at since the start is looked at after its next sync.
/// </summary>
public sealed class MailboxRounds(TimeProvider clock)
{
    private const int Capacity = 1000;
    private readonly ConcurrentDictionary<Guid, DateTimeOffset> idleUntil = new();
    private readonly Channel<SyncLease> waiting = Channel.CreateBounded<SyncLease>(
        new BoundedChannelOptions(Capacity) { FullMode = BoundedChannelFullMode.DropWrite }
    );

    public IAsyncEnumerable<SyncLease> ReadAllAsync(CancellationToken ct) => waiting.Reader.ReadAllAsync(ct);

    /// <param name="changed">The sync made a roster version, so somebody may be new.</param>
    public void Offer(SyncLease lease, bool changed)
    {
        if (changed || !idleUntil.TryGetValue(lease.ClientId, out var until) || until <= clock.GetUtcNow())
        {
            waiting.Writer.TryWrite(lease);
        }
    }

    /// <summary>The client's permissions may be others now.</summary>
    public void Forget(Guid clientId) => idleUntil.TryRemove(clientId, out _);

    /// <summary>Nothing is due before.</summary>
    public void Idle(Guid clientId, TimeSpan time) => idleUntil[clientId] = clock.GetUtcNow() + time;
}
