using Google.Protobuf.Reflection;
using Rollcall.Api.Options.V1;

namespace Rollcall.Platform;

/// <summary>The rpcs of protos/ with who may call them, by gRPC path.</summary>
public static class Contracts
{
    /// <summary>Every file under protos/rollcall.</summary>
    public static IReadOnlyList<FileDescriptor> Files { get; } =
    [
        .. typeof(Access)
            .Assembly.GetTypes()
            .Where(t => t.Name.EndsWith("Reflection", StringComparison.Ordinal))
            .Select(t => t.GetProperty("Descriptor")?.GetValue(null))
            .OfType<FileDescriptor>(),
    ];

    /// <summary>Methods by path, such as /rollcall.directory.v1.ClientService/GetClient.</summary>
    public static IReadOnlyDictionary<string, MethodDescriptor> Methods { get; } =
        Files
            .SelectMany(f => f.Services)
            .SelectMany(s => s.Methods)
            .ToDictionary(m => $"/{m.Service.FullName}/{m.Name}", StringComparer.Ordinal);

    /// <summary>Message types by proto full name: what a type name in the outbox or on the bus stands for.</summary>
    public static IReadOnlyDictionary<string, MessageDescriptor> Messages { get; } =
        Files.SelectMany(f => f.MessageTypes).ToDictionary(m => m.FullName, StringComparer.Ordinal);

    /// <summary>Null for an rpc that does not say: nobody may call it.</summary>
    public static Access? AccessOf(MethodDescriptor method) =>
        method.GetOptions()?.GetExtension(AccessExtensions.Access);
}
