namespace Rollcall.Local;

/// <summary>One service of the platform: its name, and everything else that follows from it.</summary>
public sealed record Service(string Name, string Database)
{
    public string Project { get; } =
        string.Concat(Name.Split('-').Select(word => char.ToUpperInvariant(word[0]) + word[1..]));
}

/// <summary>What runs. The same list, in Aspire's words, is in apphost.cs.</summary>
public static class Topology
{
    public const string Edge = "edge";

    public static readonly IReadOnlyList<Service> Services =
    [
        new("directory-sync", Database: "directory_sync"),
        new("scope-rules", Database: "scope_rules"),
        new("assignment", Database: "assignment"),
        new("notification", Database: "notification"),
        new("reporting", Database: "reporting"),
        new(Edge, Database: "edge"),
    ];
}
