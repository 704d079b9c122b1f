using Microsoft.EntityFrameworkCore;

namespace Rollcall.Platform;

/// <summary>A person of the roster as the newest applied version knows it.</summary>
public sealed class RosterUser
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public required Guid UserId { get; init; }
    public long Revision { get; set; }

    /// <summary>rollcall.directory.v1.UserState, for queries that need only the living.</summary>
    public short State { get; set; }

    /// <summary>rollcall.directory.v1.User.</summary>
    public required byte[] Body { get; set; }
}

/// <summary>A group of the roster as the newest applied version knows it.</summary>
public sealed class RosterGroup
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public required Guid GroupId { get; init; }
    public long Revision { get; set; }

    /// <summary>1 once removed.</summary>
    public short State { get; set; }

    /// <summary>rollcall.directory.v1.Group.</summary>
    public required byte[] Body { get; set; }
}

/// <summary>How far a client's copy is.</summary>
public sealed class RosterVersion
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }

    /// <summary>Every version up to this one is in the copy.</summary>
    public long Applied { get; set; }
    public DateTimeOffset? OccurredAt { get; set; }
}

/// <summary>A part of a version that is not complete yet, or waits for an earlier version.</summary>
public sealed class RosterPart
{
    public required Guid MspId { get; init; }
    public required Guid ClientId { get; init; }
    public required long Version { get; init; }
    public required int Part { get; init; }
    public required int Parts { get; init; }

    /// <summary>rollcall.directory.v1.RosterChanged.</summary>
    public required byte[] Body { get; init; }
    public DateTimeOffset ReceivedAt { get; private init; }
}

public static class RosterModel
{
    /// <summary>Adds the tables of the roster copy to a service's model.</summary>
    public static ModelBuilder AddRosterReplica(this ModelBuilder model)
    {
        model.Entity<RosterUser>(e =>
        {
            e.ToTable("roster_user");
            e.HasKey(u => new { u.ClientId, u.UserId });
        });
        model.Entity<RosterGroup>(e =>
        {
            e.ToTable("roster_group");
            e.HasKey(g => new { g.ClientId, g.GroupId });
        });
        model.Entity<RosterVersion>(e =>
        {
            e.ToTable("roster_version");
            e.HasKey(v => v.ClientId);
        });
        model.Entity<RosterPart>(e =>
        {
            e.ToTable("roster_part");
            e.HasKey(p => new
            {
                p.ClientId,
                p.Version,
                p.Part,
            });
            e.Property(p => p.ReceivedAt).HasDefaultValueSql("now()");
        });
        return model;
    }
}
