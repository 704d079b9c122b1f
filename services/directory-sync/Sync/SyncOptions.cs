using System.ComponentModel.DataAnnotations;

namespace Rollcall.DirectorySync.Sync;

/// <summary>How many clients are read at a time. Kinds of work have places of their own, so that none waits for another.</summary>
public sealed class SyncOptions
{
    /// <summary>Polls of clients that answered last time.</summary>
    [Range(1, 10_000)]
    public int Places { get; set; } = 256;

    /// <summary>Clients whose last attempt failed: they may hang again.</summary>
    [Range(1, 10_000)]
    public int TroublePlaces { get; set; } = 32;

    /// <summary>First and other full rounds, which take memory and minutes.</summary>
    [Range(1, 1_000)]
    public int FullPlaces { get; set; } = 16;

    /// <summary>A round that takes longer gives its place back and goes on among those in trouble.</summary>
    public TimeSpan SlowAfter { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Rounds that write to the database at the same time.</summary>
    [Range(1, 90)]
    public int Writers { get; set; } = 32;

    /// <summary>People a round decides on and writes at a time.</summary>
    [Range(1, 100_000)]
    public int BatchSize { get; set; } = RosterWriter.DefaultBatch;

    /// <summary>Memberships that people and groups of a client may inherit through nested groups, however few they are.</summary>
    [Range(1, int.MaxValue)]
    public int MostInherited { get; set; } = 100_000;

    /// <summary>
    /// The same for each person of a bigger client, on average. Sign-in names no more than 200 groups of a person, direct
    /// ones included, so tenants people work in stay far below.
    /// </summary>
    [Range(1, 1_000)]
    public int MostInheritedEach { get; set; } = 50;
}
