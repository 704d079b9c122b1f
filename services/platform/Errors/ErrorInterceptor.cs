using System.Net.Sockets;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Rollcall.Platform;

/// <summary>Turns exceptions into google.rpc.Status, so that no method builds an RpcException itself.</summary>
public sealed partial class ErrorInterceptor(ILogger<ErrorInterceptor> logger) : Interceptor
{
    private const string Domain = "rollcall";

    public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request,
        ServerCallContext context,
        UnaryServerMethod<TRequest, TResponse> continuation
    ) => TranslateAsync(() => continuation(request, context), context);

    public override Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream,
        ServerCallContext context,
        ClientStreamingServerMethod<TRequest, TResponse> continuation
    ) => TranslateAsync(() => continuation(requestStream, context), context);

    public override Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation
    ) =>
        TranslateAsync(
            async () =>
            {
                await continuation(request, responseStream, context);
                return true;
            },
            context
        );

    private async Task<T> TranslateAsync<T>(Func<Task<T>> work, ServerCallContext context)
    {
        try
        {
            return await work();
        }
        catch (AppException error)
        {
            throw ToRpcException(error);
        }
        catch (DbUpdateConcurrencyException)
        {
            throw ToRpcException(new(StatusCode.Aborted, "CONCURRENT_UPDATE", "Changed by another call; retry"));
        }
        catch (Exception e) when (IsOutage(e) && !context.CancellationToken.IsCancellationRequested)
        {
            LogOutage(context.Method, e);
            throw ToRpcException(
                new(StatusCode.Unavailable, "DATABASE_UNAVAILABLE", "The database does not answer; retry")
                {
                    RetryAfter = TimeSpan.FromSeconds(2),
                }
            );
        }
        catch (Exception e) when (e is not RpcException and not OperationCanceledException)
        {
            LogBug(context.Method, e);
            throw new RpcException(new(StatusCode.Internal, "Internal error"));
        }
    }

    private static bool IsOutage(Exception e) =>
        e is NpgsqlException { IsTransient: true } or SocketException
        || (e.InnerException is { } inner && IsOutage(inner));

    public static RpcException ToRpcException(AppException error)
    {
        var info = new ErrorInfo
        {
            Domain = Domain,
            Reason = error.Reason,
            Metadata = { error.Metadata },
        };
        var status = new Google.Rpc.Status
        {
            Code = (int)error.Code,
            Message = error.Message,
            Details = { Any.Pack(info) },
        };

        if (error.Field is { } field)
        {
            var violation = new BadRequest.Types.FieldViolation { Field = field, Description = error.Message };
            status.Details.Add(Any.Pack(new BadRequest { FieldViolations = { violation } }));
        }

        if (error.RetryAfter is { } delay)
        {
            status.Details.Add(Any.Pack(new RetryInfo { RetryDelay = delay.ToDuration() }));
        }

        return status.ToRpcException();
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Method}: the database does not answer")]
    private partial void LogOutage(string method, Exception e);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Method} failed")]
    private partial void LogBug(string method, Exception e);
}
