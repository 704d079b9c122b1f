using Grpc.Core;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Rollcall.Platform;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Model;

namespace Rollcall.Edge;

/// <summary>
/// What every rpc from outside passes before a service sees it: a known public method, a token whose role or scopes open
/// it, and a call left in the caller's budget. The services check the token again.
/// </summary>
public sealed class Door(RequestDelegate next, CallLimits limits, ShutOut shutOut)
{
    /// <summary>A gRPC message is at most 4 MB, plus its five-byte frame.</summary>
    private const long MaxCallSize = (4 * 1024 * 1024) + 5;

    public static bool IsRpc(HttpContext http) =>
        GrpcAnswer.IsGrpc(http.Request)
        || http.GetEndpoint()?.Metadata is { } metadata
            && (
                metadata.GetMetadata<RouteModel>() is not null
                || metadata.GetMetadata<Grpc.AspNetCore.Server.GrpcMethodMetadata>() is not null
            );

    public async Task InvokeAsync(HttpContext http)
    {
        try
        {
            await AdmitAsync(http);
        }
        catch (AppException refusal)
        {
            await GrpcAnswer.WriteAsync(http, refusal);
            return;
        }

        await next(http);
        if (http.GetForwarderErrorFeature() is { } failure && !http.Response.HasStarted)
        {
            await GrpcAnswer.WriteAsync(http, ToAnswer(failure.Error));
        }
    }

    private async Task AdmitAsync(HttpContext http)
    {
        // Only services name a tenant, and services don't come this way.
        http.Request.Headers.Remove(AccessInterceptor.MspHeader);
        var path = http.Request.Path.Value ?? "";
        if (!GrpcAnswer.IsGrpc(http.Request) || !Contracts.Methods.TryGetValue(path, out var method))
        {
            throw new AppException(StatusCode.Unimplemented, "METHOD_UNKNOWN", "There is no such rpc");
        }

        var token = await http.AuthenticateAsync(JwtBearerDefaults.AuthenticationScheme);
        http.User = token.Principal ?? new();
        var caller = AccessInterceptor.Authorize(http, path);
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

        if (limits.Refuse(caller.Subject) is { } refusal)
        {
            throw refusal;
        }

        SizeUp(http, method.IsClientStreaming);
    }

    private static void SizeUp(HttpContext http, bool uploads)
    {
        // Features are absent on test servers only.
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = uploads ? null : MaxCallSize;
        }

        if (uploads && http.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = null;
        }
    }

    private static AppException ToAnswer(ForwarderError error) =>
        error is ForwarderError.RequestBodyClient or ForwarderError.RequestCanceled
            ? new(StatusCode.Cancelled, "CALL_CANCELED", "The call was canceled")
            : new(StatusCode.Unavailable, "SERVICE_UNAVAILABLE", "The service does not answer; retry")
            {
                RetryAfter = TimeSpan.FromSeconds(1),
            };
}
