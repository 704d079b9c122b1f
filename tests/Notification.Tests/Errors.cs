using Google.Rpc;
using Grpc.Core;

namespace Rollcall.Notification.Tests;

internal static class Errors
{
    public static string? Reason(this RpcException error) => error.GetRpcStatus()?.GetDetail<ErrorInfo>()?.Reason;

    public static string? Field(this RpcException error) =>
        error.GetRpcStatus()?.GetDetail<BadRequest>()?.FieldViolations.FirstOrDefault()?.Field;
}
