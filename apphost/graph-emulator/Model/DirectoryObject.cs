namespace Rollcall.GraphEmulator.Model;

/// <summary>Where an object is in its life. Unborn exists in the visible copy only: created, not yet replicated.</summary>
public enum Existence
{
    Unborn,
    Active,
    Deleted,
    Purged,
}

/// <summary>
/// A user or group, twice: as it is (what GET and the oracle answer) and as far as it has become visible to delta.
/// Value arrays are never changed in place, so both copies share one array while nothing is waiting.
/// </summary>
public abstract class DirectoryObject(Guid id, int ordinal, Schema schema)
{
    public Guid Id => id;

    /// <summary>Place in the tenant's list; never reused, so it can be a paging cursor.</summary>
    public int Ordinal => ordinal;
    public Schema Schema => schema;

    /// <summary>Encoded values by schema place; a null element was never set (JSON null is four bytes).</summary>
    public byte[]?[] Values { get; set; } = new byte[]?[schema.Count];
    public byte[]?[] VisibleValues { get; set; } = new byte[]?[schema.Count];
    public Existence State { get; set; } = Existence.Active;
    public Existence VisibleState { get; set; } = Existence.Unborn;
    public DateTimeOffset? DeletedAt { get; set; }

    /// <summary>Index of this object's newest entry in its change log, -1 when it has none.</summary>
    public int LastChange { get; set; } = -1;
    public int PendingChanges { get; set; }

    public byte[]? Get(string property) => Values[Schema.Place(property)];

    public string? Text(string property) => JsonText.Text(Get(property));

    public bool Is(string property) => Get(property) == JsonText.True;
}

/// <summary>A person, guest, mailbox or other account.</summary>
public sealed class User(Guid id, int ordinal) : DirectoryObject(id, ordinal, Schema.Users)
{
    public User? Manager { get; set; }
    public User? VisibleManager { get; set; }

    /// <summary>Graph's userPurpose; null = the account has no mailbox.</summary>
    public string? MailboxPurpose { get; set; }

    /// <summary>Exchange answers 403 ErrorAccessDenied for this mailbox.</summary>
    public bool MailboxBlocked { get; set; }
}

/// <summary>A group and its member links.</summary>
public sealed class Group(Guid id, int ordinal) : DirectoryObject(id, ordinal, Schema.Groups)
{
    private readonly Dictionary<Guid, Edge> index = [];

    /// <summary>Every link there ever was, in order of creation; a removed one keeps its place as a paging cursor.</summary>
    public List<Edge> Edges { get; } = [];

    public bool IsUnified => Get("groupTypes") is { } types && types.AsSpan().IndexOf("\"Unified\""u8) >= 0;

    public Edge? Find(Guid memberId) => index.GetValueOrDefault(memberId);

    public Edge FindOrAdd(DirectoryObject member)
    {
        if (!index.TryGetValue(member.Id, out var edge))
        {
            edge = new(this, member);
            index.Add(member.Id, edge);
            Edges.Add(edge);
        }

        return edge;
    }
}

/// <summary>A direct membership.</summary>
public sealed class Edge(Group group, DirectoryObject member)
{
    public Group Group => group;
    public DirectoryObject Member => member;
    public bool Live { get; set; }
    public bool Visible { get; set; }
}
