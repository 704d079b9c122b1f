using System.Net;
using Google.Protobuf.Reflection;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Forwarder;

namespace Rollcall.Edge;

/// <summary>YARP's routes, made from the protos: one per public rpc, to the service that owns it.</summary>
public static class Routes
{
    /// <summary>A Watch may be silent; HTTP/2 pings, not this timeout, find out whether its other end is gone.</summary>
    private static readonly TimeSpan StreamSilence = TimeSpan.FromHours(24);

    public static List<RouteConfig> All() =>
        [
            .. PublicApi
                .Methods.Where(m => PublicApi.OwnerOf(m.Service) is not (null or PublicApi.Edge))
                .Select(m => new RouteConfig
                {
                    RouteId = PublicApi.PathOf(m),
                    ClusterId = ClusterOf(m),
                    Match = new() { Path = PublicApi.PathOf(m), Methods = ["POST"] },
                }),
        ];

    public static List<ClusterConfig> Clusters(IConfiguration configuration)
    {
        var limits = configuration.GetSection(LimitOptions.Section).Get<LimitOptions>() ?? new();
        return
        [
            .. PublicApi
                .Methods.Where(m => PublicApi.OwnerOf(m.Service) is not (null or PublicApi.Edge))
                .DistinctBy(ClusterOf, StringComparer.Ordinal)
                .Select(m => new ClusterConfig
                {
                    ClusterId = ClusterOf(m),
                    Destinations = Addresses(configuration, PublicApi.OwnerOf(m.Service)!),
                    HttpRequest = new()
                    {
                        Version = HttpVersion.Version20,
                        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
                        ActivityTimeout = IsStream(m) ? StreamSilence : limits.CallTimeout,
                    },
                }),
        ];
    }

    public static void KeepStreamsAlive(ForwarderHttpClientContext _, SocketsHttpHandler handler)
    {
        handler.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
        handler.KeepAlivePingTimeout = TimeSpan.FromSeconds(20);
        handler.ConnectTimeout = TimeSpan.FromSeconds(5);
    }

    public static bool IsStream(MethodDescriptor method) => method.IsServerStreaming || method.IsClientStreaming;

    private static string ClusterOf(MethodDescriptor method) =>
        $"{PublicApi.OwnerOf(method.Service)}{(IsStream(method) ? "-streams" : "")}";

    /// <summary>None for a service that isn't part of this deployment: its rpcs answer UNAVAILABLE.</summary>
    private static Dictionary<string, DestinationConfig> Addresses(IConfiguration configuration, string service) =>
        configuration
            .GetSection($"services:{service}:grpc")
            .GetChildren()
            .Where(address => !string.IsNullOrEmpty(address.Value))
            .ToDictionary(
                address => address.Key,
                address => new DestinationConfig { Address = address.Value! },
                StringComparer.Ordinal
            );
}
