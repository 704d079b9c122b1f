using Google.Rpc;
using Grpc.Core;

namespace Rollcall.Assignment.Tests;

/// <summary>Calls that must fail, by the reason callers branch on.</summary>
internal static class Refused
{
    public static async Task WithAsync<T>(string reason, Func<AsyncUnaryCall<T>> call) =>
        await WithAsync(reason, () => call().ResponseAsync);

    public static async Task WithAsync<T>(string reason, Func<Task<T>> call) =>
        Assert.Equal(reason, (await StatusAsync(call)).GetDetail<ErrorInfo>()?.Reason);

    /// <summary>INVALID_ARGUMENT that names the field.</summary>
    public static Task ForAsync<T>(string field, Func<AsyncUnaryCall<T>> call) =>
        ForAsync(field, () => call().ResponseAsync);

    public static async Task ForAsync<T>(string field, Func<Task<T>> call) =>
        Assert.Equal(field, (await StatusAsync(call)).GetDetail<BadRequest>()?.FieldViolations[0].Field);

    private static async Task<Google.Rpc.Status> StatusAsync<T>(Func<Task<T>> call)
    {
        var error = await Assert.ThrowsAsync<RpcException>(call);
        return error.GetRpcStatus() ?? throw error;
    }
}
