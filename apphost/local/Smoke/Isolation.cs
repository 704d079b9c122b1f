using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Rpc;
using Grpc.Core;
using Rollcall.Api.Options.V1;

namespace Rollcall.Local;

/// <summary>Everything the public door offers about a client, tried on client B by those who must not see it.</summary>
public static class Isolation
{
    private static readonly Marshaller<byte[]> Raw = Marshallers.Create(bytes => bytes, bytes => bytes);

    /// <summary>Every rpc a role or a scope opens that is about a client, by the protos themselves: a new one is tried too.</summary>
    private static readonly List<MethodDescriptor> Methods =
    [
        .. typeof(Access)
            .Assembly.GetTypes()
            .Where(t => t.Name.EndsWith("Reflection", StringComparison.Ordinal))
            .Select(t => t.GetProperty("Descriptor")?.GetValue(obj: null))
            .OfType<FileDescriptor>()
            .SelectMany(file => file.Services)
            .SelectMany(service => service.Methods)
            .Where(m =>
                m.InputType.FindFieldByName("client_id") is not null
                && m.GetOptions()?.GetExtension(AccessExtensions.Access) is { } access
                && access.Roles.Count + access.Scopes.Count > 0
            ),
    ];

    public static async Task RunAsync(Story story, World world, CancellationToken ct)
    {
        story.Chapter("Isolation", "edge", "directory-sync", "scope-rules", "assignment", "notification", "reporting");
        await story.StepAsync("a viewer of A tries B", () => TryAllAsync(world.ViewerOfA, world.B, ct));
        await story.StepAsync("a technician of A tries B", () => TryAllAsync(world.TechnicianOfA, world.B, ct));
        await story.StepAsync("another MSP's admin tries B", () => TryAllAsync(world.Stranger, world.B, ct));
        await story.StepAsync("lists speak of A alone", () => ListAsync(world, ct));
    }

    private static async Task<string> TryAllAsync(ApiCaller caller, Company company, CancellationToken ct)
    {
        var refusals = new List<string>();
        foreach (var method in Methods)
        {
            var refusal = await TryAsync(caller, method, company, ct);
            Expect.That(
                refusal is "NotFound CLIENT_NOT_FOUND" or "PermissionDenied ROLE_NOT_ALLOWED",
                $"{method.FullName} to be refused as if there were no such client, or for the role",
                refusal
            );
            refusals.Add(refusal);
        }

        var counts = refusals.CountBy(r => r).Select(r => $"{r.Value} {r.Key}");
        return $"{Methods.Count} rpcs: {string.Join(", ", counts)}";
    }

    private static async Task<string> TryAsync(
        ApiCaller caller,
        MethodDescriptor method,
        Company company,
        CancellationToken ct
    )
    {
        var name = new Method<byte[], byte[]>(
            method.IsServerStreaming ? MethodType.ServerStreaming : MethodType.Unary,
            method.Service.FullName,
            method.Name,
            Raw,
            Raw
        );
        var request = RequestFor(method, company).ToByteArray();
        try
        {
            if (method.IsServerStreaming)
            {
                var deadline = TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(30);
                using var stream = caller.Invoker.AsyncServerStreamingCall(
                    name,
                    host: null,
                    new(null, deadline, ct),
                    request
                );
                await stream.ResponseStream.MoveNext(ct);
            }
            else
            {
                await caller.Invoker.AsyncUnaryCall(name, host: null, new(cancellationToken: ct), request);
            }

            return "an answer";
        }
        catch (RpcException e)
        {
            return $"{e.StatusCode} {e.GetRpcStatus()?.GetDetail<ErrorInfo>()?.Reason}";
        }
    }

    /// <summary>A request about the client, with a well-formed id wherever one is asked for.</summary>
    private static IMessage RequestFor(MethodDescriptor method, Company company)
    {
        var request = method.InputType.Parser.ParseFrom(ByteString.Empty);
        foreach (var field in method.InputType.Fields.InDeclarationOrder())
        {
            if (
                field.FieldType == FieldType.String
                && !field.IsRepeated
                && field.Name.EndsWith("_id", StringComparison.Ordinal)
            )
            {
                var id = field.Name == "client_id" ? company.ClientId : $"{Guid.CreateVersion7()}";
                field.Accessor.SetValue(request, id);
            }
        }

        return request;
    }

    private static async Task<string> ListAsync(World world, CancellationToken ct)
    {
        var clients = await world.TechnicianOfA.Clients.ListClientsAsync(new(), cancellationToken: ct);
        var healths = await world.TechnicianOfA.Syncs.ListSyncHealthAsync(new(), cancellationToken: ct);
        var alerts = await world.TechnicianOfA.Alerts.ListAlertsAsync(new(), cancellationToken: ct);
        var all = await world.Admin.Alerts.ListAlertsAsync(new(), cancellationToken: ct);
        Expect.That(
            all.Alerts.Any(a => a.ClientId == world.B.ClientId),
            "alerts of B among the admin's",
            $"{all.Alerts.Count} alerts of others"
        );

        List<string> seen =
        [
            .. clients.Clients.Select(c => c.Id),
            .. healths.Clients.Select(c => c.ClientId),
            .. alerts.Alerts.Select(a => a.ClientId),
        ];
        Expect.That(
            seen.TrueForAll(id => id == world.A.ClientId) && clients.Clients.Count == 1,
            "A alone",
            string.Join(' ', seen.Distinct(StringComparer.Ordinal))
        );
        var none = await world.Stranger.Clients.ListClientsAsync(new(), cancellationToken: ct);
        Expect.Equal(0, none.Clients.Count, "clients the other MSP sees");
        return $"A's technician: {clients.Clients.Count} client, {healths.Clients.Count} health, "
            + $"{alerts.Alerts.Count} of the {all.Alerts.Count} alerts; the other MSP: no client";
    }
}
