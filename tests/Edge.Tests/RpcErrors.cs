using Google.Rpc;
using Grpc.Core;

namespace Rollcall.Edge.Tests;

/// <summary>What a caller reads from a refused call.</summary>
public static class RpcErrors
{
    public static string Reason(this RpcException error) =>
        error.GetRpcStatus()?.GetDetail<ErrorInfo>()?.Reason ?? $"none ({error.Status})";

    /// <summary>Code and reason of the call's refusal.</summary>
    public static async Task<(StatusCode Code, string Reason)> RefusalAsync(Func<Task> call)
    {
        var error = await Assert.ThrowsAnyAsync<RpcException>(call);
        return (error.StatusCode, error.Reason());
    }
}
