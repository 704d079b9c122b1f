using Google.Protobuf;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Rollcall.Platform;

/// <summary>
/// The one place where a call gets its tenant: checks the rpc's access option against the token, then narrows the
/// tenant to the request's client. Code after it cannot see another client's rows, whatever it queries.
/// </summary>
public sealed class AccessInterceptor : Interceptor
{
    public const string MspHeader = "rollcall-msp";

    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request,
        ServerCallContext context,
        UnaryServerMethod<TRequest, TResponse> continuation
    )
    {
        await EnterAsync(request as IMessage, context);
        return await continuation(request, context);
    }

    public override async Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream,
        ServerCallContext context,
        ClientStreamingServerMethod<TRequest, TResponse> continuation
    )
    {
        await EnterAsync(request: null, context);
        return await continuation(requestStream, context);
    }

    public override async Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation
    )
    {
        await EnterAsync(request as IMessage, context);
        await continuation(request, responseStream, context);
    }

    private static async Task EnterAsync(IMessage? request, ServerCallContext context)
    {
        var http = context.GetHttpContext();
        var caller = Authorize(http, context.Method);
        var services = http.RequestServices;
        services.GetRequiredService<CallerContext>().Caller = caller;

        if (MspOf(caller, context) is not { } msp)
        {
            return;
        }

        var tenant = new Tenant(msp, caller.IsService ? null : caller.ClientIds);
        if (ClientOf(request) is { } clientId)
        {
            // A client of somebody else and one that does not exist look the same from outside.
            if (
                !tenant.Sees(clientId)
                || !await services
                    .GetRequiredService<IClientDirectory>()
                    .ExistsAsync(msp, clientId, context.CancellationToken)
            )
            {
                throw AppException.NotFound("client", clientId);
            }

            tenant = Tenant.Client(msp, clientId);
        }

        services.GetRequiredService<TenantContext>().Enter(tenant);
    }

    /// <summary>The caller, if the method lets it in.</summary>
    public static Caller Authorize(HttpContext http, string method)
    {
        if (http.User.Identity?.IsAuthenticated != true)
        {
            throw new AppException(
                StatusCode.Unauthenticated,
                "TOKEN_MISSING",
                "Send a valid access token in the authorization header"
            );
        }

        var caller = Caller.From(http.User);
        if (
            !Contracts.Methods.TryGetValue(method, out var descriptor)
            || Contracts.AccessOf(descriptor) is not { } access
            || !caller.Satisfies(access)
        )
        {
            throw new AppException(
                StatusCode.PermissionDenied,
                "ROLE_NOT_ALLOWED",
                $"The token's role or scopes do not allow {method}"
            );
        }

        return caller;
    }

    private static Guid? MspOf(Caller caller, ServerCallContext context) =>
        caller.IsService && context.RequestHeaders.GetValue(MspHeader) is { } header
            ? Requests.Id(header, MspHeader)
            : caller.MspId;

    private static Guid? ClientOf(IMessage? request) =>
        request?.Descriptor.FindFieldByName("client_id")?.Accessor.GetValue(request) is string { Length: > 0 } value
            ? Requests.Id(value, "client_id")
            : null;
}

/// <summary>The caller of the current rpc.</summary>
public sealed class CallerContext
{
    private Caller? caller;

    public Caller Caller
    {
        get => caller ?? throw new InvalidOperationException("No caller: not inside an rpc");
        set => caller = value;
    }
}
