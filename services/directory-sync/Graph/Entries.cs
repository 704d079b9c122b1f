using Rollcall.DirectorySync.Data;

namespace Rollcall.DirectorySync.Graph;

/// <summary>One entry of a users delta page: a patch of one user, never the whole truth.</summary>
/// <param name="Removed">"changed" (soft delete) or "deleted" (for good); null for a living entry.</param>
/// <param name="ManagerChanged">The entry says something about the manager.</param>
/// <param name="Manager">Object id of the manager; null when there is none any more.</param>
public sealed record UserEntry(Guid ObjectId, string? Removed, PropertySet Patch, bool ManagerChanged, Guid? Manager)
{
    /// <summary>The user's name at its source; Entra's is the object id.</summary>
    public string ExternalId { get; init; } = ObjectId.ToString();
}

/// <summary>One entry of a groups delta page. A big group comes as several entries, each with a slice of members.</summary>
public sealed record GroupEntry(
    Guid ObjectId,
    string? Removed,
    string? DisplayName,
    bool? SecurityEnabled,
    bool? Dynamic,
    List<MemberEntry> Members
)
{
    /// <summary>What of the entry is not as documented; the rest of it counts. Null if nothing is.</summary>
    public string? Unreadable { get; init; }
}

/// <summary>A membership that was added or taken away.</summary>
public sealed record MemberEntry(Guid ObjectId, MemberType Type, bool Removed);
