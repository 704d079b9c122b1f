namespace Rollcall.GraphEmulator.Model;

/// <summary>
/// One directory: its objects, change logs and grants. Everything in it is read and written while holding
/// <see cref="Gate"/>; a page of 200 users takes well under a millisecond, so one lock is enough.
/// </summary>
public sealed class Tenant(Guid id, string name, string domain, TimeProvider clock, int seed = 1)
{
    private readonly Dictionary<Guid, DirectoryObject> objects = [];
    private readonly PriorityQueue<Change, (DateTimeOffset, long)> pending = new();
    private long changeNumber;

    public Lock Gate { get; } = new();
    public Guid Id => id;
    public string Name { get; set; } = name;
    public string Domain => domain;
    public TimeProvider Clock => clock;
    public DateTimeOffset CreatedAt { get; init; } = clock.GetUtcNow();

    /// <summary>Part of every delta token: tokens of another life of this tenant are answered with a reset.</summary>
    public Guid Generation { get; set; } = Guid.CreateVersion7();
    public List<User> Users { get; } = [];
    public List<Group> Groups { get; } = [];
    public ChangeLog UserLog { get; } = new();
    public ChangeLog GroupLog { get; } = new();
    public Dictionary<string, ServicePrincipal> ServicePrincipals { get; } = new(StringComparer.OrdinalIgnoreCase);
    public List<Subscription> Subscriptions { get; } = [];
    public TenantSettings Settings { get; set; } = new();
    public Random Random { get; } = new(seed);

    /// <summary>Off while the tenant is being filled: no token can be older than its first state.</summary>
    public bool Recording { get; set; } = true;

    /// <summary>Access tokens issued before this moment (machine's clock) are answered 401.</summary>
    public DateTimeOffset TokensValidFrom { get; set; }

    /// <summary>Told about each change as it becomes visible (change notifications).</summary>
    public Action<Tenant, Change>? Published { get; set; }

    /// <summary>Told before each answer of Graph, single requests of a batch included.</summary>
    public Action<string>? Called { get; set; }
    public int PendingCount => pending.Count;
    public int ActiveUsers { get; private set; }

    public DateTimeOffset Now => clock.GetUtcNow();

    public ChangeLog LogOf(Schema schema) => schema == Schema.Users ? UserLog : GroupLog;

    public DirectoryObject? Find(Guid objectId) => objects.GetValueOrDefault(objectId);

    public User AddUser(Guid objectId)
    {
        var user = new User(objectId, Users.Count);
        objects.Add(objectId, user);
        Users.Add(user);
        return user;
    }

    public Group AddGroup(Guid objectId)
    {
        var group = new Group(objectId, Groups.Count);
        objects.Add(objectId, group);
        Groups.Add(group);
        return group;
    }

    /// <summary>Takes note of a change already made to the live copy and shows it to delta now or after the lag.</summary>
    public void Record(Change change)
    {
        Settle();
        var now = Now;
        change.VisibleAt = now + Lag();
        if (change.Target.PendingChanges > 0 || change.End?.PendingChanges > 0)
        {
            var earlier = pending.UnorderedItems.Where(item => change.Follows(item.Element));
            var latest = earlier.Select(item => item.Element.VisibleAt).DefaultIfEmpty().Max();
            change.VisibleAt = latest > change.VisibleAt ? latest : change.VisibleAt;
        }

        if (change.VisibleAt <= now)
        {
            Publish(change);
            return;
        }

        change.Target.PendingChanges++;
        pending.Enqueue(change, (change.VisibleAt, changeNumber++));
    }

    /// <summary>Shows the changes whose time has come.</summary>
    public void Settle()
    {
        while (pending.TryPeek(out var change, out var due) && due.Item1 <= Now)
        {
            pending.Dequeue();
            change.Target.PendingChanges--;
            Publish(change);
        }
    }

    /// <summary>Keeps the tenant's size, by which it is throttled.</summary>
    public void CountActive(int difference) => ActiveUsers += difference;

    private TimeSpan Lag()
    {
        var (min, max) = (Settings.LagMinSeconds, Settings.LagMaxSeconds);
        return TimeSpan.FromSeconds(max <= min ? min : min + Random.NextDouble() * (max - min));
    }

    private void Publish(Change change)
    {
        change.MakeVisible(share: !Recording);
        if (Recording)
        {
            LogOf(change.Target.Schema).Add(change);
            Published?.Invoke(this, change);
        }
    }
}
