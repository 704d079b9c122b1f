using Grpc.AspNetCore.Server;
using Grpc.Core;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Rollcall.Platform;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Model;
using MethodDescriptor = Google.Protobuf.Reflection.MethodDescriptor;

namespace Rollcall.Edge;

/// <summary>
/// What every rpc from outside passes before a service sees it: a known public method, a token whose role or scopes open
/// it, and a call left in the caller's budget. The services check the token again.
/// </summary>
public sealed class Door(RequestDelegate next, CallLimits limits, ShutOut shutOut)
{
    /// <summary>True for gRPC, and for whatever would reach a service: no request gets past the door by looking different.</summary>
    public static bool IsRpc(HttpContext http) =>
        GrpcAnswer.IsGrpc(http.Request)
        || http.GetEndpoint()?.Metadata is { } metadata
            && (
                metadata.GetMetadata<RouteModel>() is not null || metadata.GetMetadata<GrpcMethodMetadata>() is not null
            );

    public async Task InvokeAsync(HttpContext http)
    {
        try
        {
            // Only services name a tenant, and services don't come this way.
            http.Request.Headers.Remove(AccessInterceptor.MspHeader);
            var method = MethodOf(http);
            var caller = await AdmitAsync(http);
            using var stream = Routes.IsStream(method) ? limits.TakeStream(caller.Subject) : null;
            await next(http);
        }
        catch (AppException refusal) when (!http.Response.HasStarted)
        {
            await GrpcAnswer.WriteAsync(http, refusal);
            return;
        }

        if (http.GetForwarderErrorFeature() is { } failure && !http.Response.HasStarted)
        {
            await GrpcAnswer.WriteAsync(http, ToAnswer(failure.Error));
        }
    }

    private static MethodDescriptor MethodOf(HttpContext http) =>
        GrpcAnswer.IsGrpc(http.Request) && Contracts.Methods.TryGetValue(http.Request.Path.Value!, out var method)
            ? method
            : throw new AppException(StatusCode.Unimplemented, "METHOD_UNKNOWN", "There is no such rpc");

    private async Task<Caller> AdmitAsync(HttpContext http)
    {
        var token = await http.AuthenticateAsync(JwtBearerDefaults.AuthenticationScheme);
        http.User = token.Principal ?? new();
        var caller = AccessInterceptor.Authorize(http, http.Request.Path.Value!);
        if (caller.IsService)
        {
            throw new AppException(
                StatusCode.PermissionDenied,
                "ROLE_NOT_ALLOWED",
                "Services call each other directly, not through the public door"
            );
        }

        if (shutOut.Contains(caller.Subject))
        {
            throw new AppException(StatusCode.Unauthenticated, "CALLER_DISABLED", "This client is disabled");
        }

        limits.TakeCall(caller.Subject);
        return caller;
    }

    private static AppException ToAnswer(ForwarderError error) =>
        error switch
        {
            ForwarderError.RequestTimedOut => new(
                StatusCode.DeadlineExceeded,
                "CALL_TIMED_OUT",
                "The service took too long to answer"
            ),
            ForwarderError.RequestBodyClient or ForwarderError.RequestCanceled => new(
                StatusCode.Cancelled,
                "CALL_CANCELED",
                "The call was canceled"
            ),
            _ => new(StatusCode.Unavailable, "SERVICE_UNAVAILABLE", "The service does not answer; retry")
            {
                RetryAfter = TimeSpan.FromSeconds(1),
            },
        };
}
