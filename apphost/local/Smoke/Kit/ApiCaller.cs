using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using Grpc.Net.Client.Configuration;
using Rollcall.Api.Assignment.V1;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Identity.V1;
using Rollcall.Api.Notification.V1;
using Rollcall.Api.Partner.V1;
using Rollcall.Api.Reporting.V1;
using Rollcall.Api.Scope.V1;

namespace Rollcall.Local;

/// <summary>Somebody who uses the platform from outside: a token from edge, then gRPC to edge, nothing else.</summary>
public sealed class ApiCaller : IDisposable
{
    private readonly AccessTokens tokens;
    private readonly GrpcChannel channel;

    public ApiCaller(Endpoints endpoints, string clientId, string clientSecret)
    {
        Credentials = new(clientId, clientSecret);
        tokens = new(endpoints.Token, clientId, clientSecret);
        channel = GrpcChannel.ForAddress(
            endpoints.Grpc,
            new()
            {
                HttpHandler = new SocketsHttpHandler { UseProxy = false, EnableMultipleHttp2Connections = true },
                DisposeHttpClient = true,
                Credentials = ChannelCredentials.Create(
                    ChannelCredentials.Insecure,
                    CallCredentials.FromInterceptor(AuthorizeAsync)
                ),
                UnsafeUseInsecureChannelCallCredentials = true,
                ServiceConfig = RetryWhenUnavailable(),
            }
        );
        Invoker = channel.Intercept(new Deadlines());
    }

    public DemoCaller Credentials { get; }

    /// <summary>For calls that are made from descriptors.</summary>
    public CallInvoker Invoker { get; }

    public AlertService.AlertServiceClient Alerts => new(Invoker);
    public AssignmentService.AssignmentServiceClient Assignments => new(Invoker);
    public CadenceService.CadenceServiceClient Cadences => new(Invoker);
    public ClientService.ClientServiceClient Clients => new(Invoker);
    public ConnectionService.ConnectionServiceClient Connections => new(Invoker);
    public DeliveryService.DeliveryServiceClient Deliveries => new(Invoker);
    public IdentityService.IdentityServiceClient Identity => new(Invoker);
    public PathService.PathServiceClient Paths => new(Invoker);
    public PolicyService.PolicyServiceClient Policies => new(Invoker);
    public ReportService.ReportServiceClient Reports => new(Invoker);
    public RosterService.RosterServiceClient Roster => new(Invoker);
    public ScopeService.ScopeServiceClient Scope => new(Invoker);
    public SyncService.SyncServiceClient Syncs => new(Invoker);
    public TicketService.TicketServiceClient Tickets => new(Invoker);

    public void Dispose()
    {
        channel.Dispose();
        tokens.Dispose();
    }

    private async Task AuthorizeAsync(AuthInterceptorContext context, Metadata metadata) =>
        metadata.Add("authorization", $"Bearer {await tokens.GetAsync(context.CancellationToken)}");

    private static ServiceConfig RetryWhenUnavailable() =>
        new()
        {
            MethodConfigs =
            {
                new()
                {
                    Names = { MethodName.Default },
                    RetryPolicy = new()
                    {
                        MaxAttempts = 4,
                        InitialBackoff = TimeSpan.FromMilliseconds(250),
                        MaxBackoff = TimeSpan.FromSeconds(2),
                        BackoffMultiplier = 2,
                        RetryableStatusCodes = { StatusCode.Unavailable },
                    },
                },
            },
        };

    /// <summary>No call without a deadline.</summary>
    private sealed class Deadlines : Interceptor
    {
        private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
            TRequest request,
            ClientInterceptorContext<TRequest, TResponse> context,
            AsyncUnaryCallContinuation<TRequest, TResponse> continuation
        )
        {
            var deadline = TimeProvider.System.GetUtcNow().UtcDateTime + Patience;
            return continuation(
                request,
                new(context.Method, context.Host, context.Options.WithDeadline(context.Options.Deadline ?? deadline))
            );
        }
    }
}
