using Google.Protobuf.Reflection;
using Rollcall.Platform;
using ServiceDescriptor = Google.Protobuf.Reflection.ServiceDescriptor;

namespace Rollcall.Edge;

/// <summary>What the protos offer to callers from outside, and which service answers.</summary>
public static class PublicApi
{
    /// <summary>The owner of each package rollcall.(area).v1; edge answers identity itself.</summary>
    private static readonly Dictionary<string, string> Owners = new(StringComparer.Ordinal)
    {
        ["directory"] = "directory-sync",
        ["scope"] = "scope-rules",
        ["assignment"] = "assignment",
        ["notification"] = "notification",
        ["partner"] = "notification",
        ["reporting"] = "reporting",
        ["identity"] = Edge,
    };

    public const string Edge = "edge";

    /// <summary>Every rpc a role or a scope opens. The others are for services among themselves.</summary>
    public static IReadOnlyList<MethodDescriptor> Methods { get; } =
    [
        .. Contracts.Methods.Values.Where(m =>
            Contracts.AccessOf(m) is { } access && (access.Roles.Count > 0 || access.Scopes.Count > 0)
        ),
    ];

    /// <summary>Every scope that opens something.</summary>
    public static IReadOnlyList<string> Scopes { get; } =
    [
        .. Methods
            .SelectMany(m => Contracts.AccessOf(m)!.Scopes)
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal),
    ];

    public static string PathOf(MethodDescriptor method) => $"/{method.Service.FullName}/{method.Name}";

    /// <summary>Null for a package nobody owns: a new area must be entered here.</summary>
    public static string? OwnerOf(ServiceDescriptor service) =>
        service.File.Package.Split('.') is ["rollcall", var area, _] ? Owners.GetValueOrDefault(area) : null;
}
