namespace Rollcall.GraphEmulator.Model;

/// <summary>A client's wish to be told when users or groups change.</summary>
public sealed class Subscription
{
    private int delivered;
    private int failed;
    private int lost;

    public Guid Id { get; } = Guid.CreateVersion7();
    public required string AppId { get; init; }

    /// <summary>users, groups, users/{id}, groups/{id} or groups/{id}/members.</summary>
    public required string Resource { get; init; }

    /// <summary>updated and deleted, joined by a comma as the client wrote them.</summary>
    public required string ChangeType { get; init; }
    public required string NotificationUrl { get; init; }
    public string? LifecycleUrl { get; init; }
    public string? ClientState { get; init; }
    public DateTimeOffset ExpiresAt { get; set; }
    public int Delivered => delivered;
    public int Failed => failed;
    public int Lost => lost;

    public bool IsUsers => Resource.StartsWith("users", StringComparison.OrdinalIgnoreCase);

    /// <summary>The permission without which nothing is sent.</summary>
    public string Permission => IsUsers ? "User.Read.All" : "Group.Read.All";

    public void CountDelivered() => Interlocked.Increment(ref delivered);

    public void CountFailed() => Interlocked.Increment(ref failed);

    public void CountLost() => Interlocked.Increment(ref lost);

    public bool Wants(Change change)
    {
        var kind = change.State == Existence.Purged ? "deleted" : "updated";
        var parts = Resource.Split('/');
        return IsUsers == change.Target is User
            && ChangeType.Contains(kind, StringComparison.OrdinalIgnoreCase)
            && (parts.Length < 2 || parts[1].Equals(change.Target.Id.ToString(), StringComparison.OrdinalIgnoreCase))
            && (parts.Length < 3 || change.Edge is not null);
    }
}
