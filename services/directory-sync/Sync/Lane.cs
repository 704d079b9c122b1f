namespace Rollcall.DirectorySync.Sync;

/// <summary>Places for one kind of clients. Only the scheduler's loop takes places; anybody gives them back.</summary>
/// <param name="which">The clients it is for, as a condition on client_sync.</param>
internal sealed class Lane(string which, int places)
{
    private int free = places;

    public string Which => which;

    /// <summary>Below zero while slow rounds of other lanes stay here.</summary>
    public int Free => Volatile.Read(ref free);

    public void Enter() => Interlocked.Decrement(ref free);

    public void Leave() => Interlocked.Increment(ref free);
}
