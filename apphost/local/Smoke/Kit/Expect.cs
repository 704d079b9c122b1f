using Google.Rpc;
using Grpc.Core;

namespace Rollcall.Local;

/// <summary>What a step takes for granted; says what was expected and what was seen when it isn't so.</summary>
public static class Expect
{
    public static void That(bool holds, string expected, string seen)
    {
        if (!holds)
        {
            throw new ExpectationFailedException(expected, seen);
        }
    }

    public static void Equal<T>(T expected, T seen, string what) =>
        That(EqualityComparer<T>.Default.Equals(expected, seen), $"{what}: {expected}", $"{seen}");

    /// <summary>The call is refused with this status and this reason.</summary>
    /// <returns>What the refusal says, for the console.</returns>
    public static async Task<string> RefusedAsync(StatusCode code, string reason, Func<Task> call)
    {
        try
        {
            await call();
        }
        catch (RpcException e)
        {
            var info = e.GetRpcStatus()?.GetDetail<ErrorInfo>();
            That(
                e.StatusCode == code && info?.Reason == reason,
                $"{code} {reason}",
                $"{e.StatusCode} {info?.Reason} \"{e.Status.Detail}\""
            );
            return e.Status.Detail;
        }

        throw new ExpectationFailedException($"{code} {reason}", "the call succeeded");
    }
}

/// <summary>The platform did something else than it should.</summary>
public sealed class ExpectationFailedException(string expected, string seen)
    : Exception($"expected {expected}, saw {seen}")
{
    public string Expected => expected;
    public string Seen => seen;
}
