using System.Collections.Concurrent;
using System.Net;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Rollcall.Api.Directory.V1;
using Rollcall.Platform;
using Rollcall.Testing;

namespace Rollcall.Edge.Tests;

/// <summary>
/// Stands for directory-sync behind edge: the kernel's own access checks, with keys fetched from edge by JwtBearer, around
/// a handful of rpcs.
/// </summary>
public sealed class Backend : IAsyncDisposable
{
    private readonly WebApplication app;

    public Backend(string identityAuthority)
    {
        var builder = WebApplication.CreateBuilder(
            new WebApplicationOptions { EnvironmentName = Environments.Development }
        );
        builder.Logging.ClearProviders();
        builder.Configuration["Identity:Authority"] = identityAuthority;
        builder.Configuration["Identity:Issuer"] = TestTokens.Issuer;
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, o => o.Protocols = HttpProtocols.Http2));
        builder.AddAccess();
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<IClientDirectory>(Clients);
        builder.Services.AddSingleton(this);
        app = builder.Build();
        app.UseAuthentication();
        app.MapGrpcService<Directory>();
        app.MapGrpcService<Sync>();
        app.MapGrpcService<Connections>();
    }

    public TestClientDirectory Clients { get; } = new();

    /// <summary>The headers of each call by its subject, as they arrived.</summary>
    public ConcurrentDictionary<string, Metadata> Seen { get; } = new(StringComparer.Ordinal);

    public ConcurrentDictionary<string, CompleteConsentResponse> Consents { get; } = new(StringComparer.Ordinal);

    /// <summary>The consent answers edge has handed on.</summary>
    public ConcurrentQueue<CompleteConsentRequest> ConsentRequests { get; } = new();

    /// <summary>The notifications edge has handed on.</summary>
    public ConcurrentQueue<Hint> Hints { get; } = new();

    public string Url => app.Urls.Single();

    public Task StartAsync() => app.StartAsync();

    public ValueTask DisposeAsync() => app.DisposeAsync();

    private sealed class Directory(Backend backend, CallerContext callers, TenantContext tenant)
        : ClientService.ClientServiceBase
    {
        /// <summary>The client, or a very slow answer for the one named Slow.</summary>
        public override async Task<GetClientResponse> GetClient(GetClientRequest request, ServerCallContext context)
        {
            backend.Seen[callers.Caller.Subject] = context.RequestHeaders;
            var client = await backend.Clients.FindAsync(
                tenant.MspId,
                Guid.Parse(request.ClientId),
                context.CancellationToken
            );
            return new()
            {
                Client = new()
                {
                    Id = request.ClientId,
                    DisplayName = client!.DisplayName,
                    TimeZone = client.TimeZone,
                    MspDisplayName = client.MspDisplayName,
                },
            };
        }

        public override Task<ListClientsResponse> ListClients(ListClientsRequest request, ServerCallContext context)
        {
            backend.Seen[callers.Caller.Subject] = context.RequestHeaders;
            return Task.FromResult(new ListClientsResponse { NextPageToken = request.PageToken });
        }
    }

    private sealed class Sync(Backend backend) : SyncService.SyncServiceBase
    {
        public override Task<ReceiveHintsResponse> ReceiveHints(ReceiveHintsRequest request, ServerCallContext context)
        {
            foreach (var hint in request.Hints)
            {
                backend.Hints.Enqueue(hint);
            }

            return Task.FromResult(new ReceiveHintsResponse());
        }

        /// <summary>Never answers.</summary>
        public override async Task<GetSyncRunResponse> GetSyncRun(GetSyncRunRequest request, ServerCallContext context)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, context.CancellationToken);
            return new();
        }

        /// <summary>Two messages with a silence between them that is longer than edge allows a unary call.</summary>
        public override async Task WatchSyncRun(
            WatchSyncRunRequest request,
            IServerStreamWriter<WatchSyncRunResponse> responseStream,
            ServerCallContext context
        )
        {
            await responseStream.WriteAsync(new(), context.CancellationToken);
            await Task.Delay(EdgeFixture.CallTimeout * 2, context.CancellationToken);
            await responseStream.WriteAsync(new(), context.CancellationToken);
            throw AppException.Precondition("WATCH_OVER", "The end of the stream still carries its status");
        }
    }

    private sealed class Connections(Backend backend) : ConnectionService.ConnectionServiceBase
    {
        public override Task<CompleteConsentResponse> CompleteConsent(
            CompleteConsentRequest request,
            ServerCallContext context
        )
        {
            backend.ConsentRequests.Enqueue(request);
            return backend.Consents.TryRemove(request.State, out var answer)
                ? Task.FromResult(answer)
                : throw new AppException(StatusCode.InvalidArgument, "CONSENT_STATE_INVALID", "Unknown state");
        }
    }
}
