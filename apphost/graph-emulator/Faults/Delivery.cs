using Rollcall.GraphEmulator.Graph;

namespace Rollcall.GraphEmulator.Faults;

/// <summary>Puts an answer on the wire, as it is or as badly as the call's faults want it.</summary>
public static class Delivery
{
    private const int SlowPieces = 20;

    public static async Task SendAsync(HttpContext context, GraphAnswer answer, FaultPick faults)
    {
        var (response, body, ct) = (context.Response, answer.Body.Written, context.RequestAborted);
        response.StatusCode = answer.Status;
        foreach (var (name, value) in answer.Headers)
        {
            response.Headers[name] = value;
        }

        if (body.Length > 0)
        {
            response.ContentType = answer.ContentType;
            response.ContentLength = body.Length;
        }

        var rule = faults.First(FaultKind.Reset, FaultKind.Truncate, FaultKind.Slow, FaultKind.Hang);
        switch (rule?.Kind)
        {
            case FaultKind.Reset:
                // Half of the promised length, then the connection goes.
                await response.Body.WriteAsync(body[..(body.Length / 2)], ct);
                await response.Body.FlushAsync(ct);
                context.Abort();
                break;
            case FaultKind.Truncate:
                // A complete HTTP answer whose JSON stops in the middle.
                response.ContentLength = body.Length / 2;
                await response.Body.WriteAsync(body[..(body.Length / 2)], ct);
                break;
            case FaultKind.Slow:
                await DribbleAsync(response, body, TimeSpan.FromMilliseconds(rule.DelayMs ?? 5000) / SlowPieces, ct);
                break;
            case FaultKind.Hang:
                await HangAsync(rule.DelayMs is { } ms ? TimeSpan.FromMilliseconds(ms) : Timeout.InfiniteTimeSpan, ct);
                context.Abort();
                break;
            default:
                await response.Body.WriteAsync(body, ct);
                break;
        }
    }

    private static async Task DribbleAsync(
        HttpResponse response,
        ReadOnlyMemory<byte> body,
        TimeSpan pause,
        CancellationToken ct
    )
    {
        var piece = Math.Max(1, (body.Length + SlowPieces - 1) / SlowPieces);
        for (var at = 0; at < body.Length; at += piece)
        {
            await response.Body.WriteAsync(body[at..Math.Min(at + piece, body.Length)], ct);
            await response.Body.FlushAsync(ct);
            await Task.Delay(pause, ct);
        }
    }

    private static async Task HangAsync(TimeSpan time, CancellationToken ct)
    {
        try
        {
            await Task.Delay(time, ct);
        }
        catch (OperationCanceledException)
        {
            // The client gave up, which is what a hanging answer is for.
        }
    }
}
