using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client.Configuration;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Rollcall.Platform;

/// <summary>gRPC clients of other services: they carry the service's token and the tenant of the unit of work.</summary>
public static class ServiceClients
{
    private static readonly MethodConfig RetryUnavailable = new()
    {
        Names = { MethodName.Default },
        RetryPolicy = new()
        {
            MaxAttempts = 4,
            InitialBackoff = TimeSpan.FromMilliseconds(100),
            MaxBackoff = TimeSpan.FromSeconds(2),
            BackoffMultiplier = 2,
            RetryableStatusCodes = { StatusCode.Unavailable },
        },
    };

    public static IHttpClientBuilder AddServiceClient<TClient>(this IServiceCollection services, string service)
        where TClient : ClientBase =>
        services
            .AddGrpcClient<TClient>(
                (provider, options) =>
                    options.Address = new Uri(
                        provider.GetRequiredService<IConfiguration>().Required($"services:{service}:grpc:0")
                    )
            )
            .ConfigureChannel(channel =>
            {
                channel.UnsafeUseInsecureChannelCallCredentials = true;
                channel.ServiceConfig = new() { MethodConfigs = { RetryUnavailable } };
            })
            .AddInterceptor(() => new DeadlineInterceptor())
            .AddCallCredentials(
                async (context, metadata, provider) =>
                {
                    var token = await provider.GetRequiredService<ServiceTokens>().GetAsync(context.CancellationToken);
                    metadata.Add("authorization", $"Bearer {token}");
                    if (provider.GetRequiredService<TenantContext>().Current is { } tenant)
                    {
                        metadata.Add(AccessInterceptor.MspHeader, tenant.MspId.ToString());
                    }
                }
            );

    /// <summary>No unary call without a deadline: 5 s unless the caller chose another one.</summary>
    private sealed class DeadlineInterceptor : Interceptor
    {
        private static readonly TimeSpan Default = TimeSpan.FromSeconds(5);

        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
            TRequest request,
            ClientInterceptorContext<TRequest, TResponse> context,
            AsyncUnaryCallContinuation<TRequest, TResponse> continuation
        )
        {
            // gRPC deadlines are wall-clock times of this machine, whatever the development clock says.
            var options = context.Options.Deadline is null
                ? context.Options.WithDeadline(TimeProvider.System.GetUtcNow().UtcDateTime + Default)
                : context.Options;
            return continuation(request, new(context.Method, context.Host, options));
        }
    }
}
