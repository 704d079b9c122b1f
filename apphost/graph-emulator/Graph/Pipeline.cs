using System.Globalization;
using Rollcall.GraphEmulator.Faults;
using Rollcall.GraphEmulator.Model;

namespace Rollcall.GraphEmulator.Graph;

/// <summary>The way of every call, single or inside a batch: faults, delay, resource units, handler, headers.</summary>
public sealed class Pipeline(
    Router router,
    FaultSchedule faults,
    Throttle throttle,
    MailboxLimit mailboxes,
    EmulatorClock clock
)
{
    private const string Diagnostic = """{"ServerInfo":{"DataCenter":"Emulator","Slice":"E","Ring":"0"}}""";

    /// <summary>The handler is the router, or the batch for the request that carries one.</summary>
    public async ValueTask<GraphAnswer> AnswerAsync(
        GraphCall call,
        string query,
        Func<GraphCall, ValueTask<GraphAnswer>>? handler = null
    )
    {
        call.Faults = faults.Pick(call.Tenant.Id, call.Method, call.Path, query, call.InBatch);
        var cost = Throttle.Cost(call);
        var answer = await InTimeAsync(call, cost, handler ?? router.AnswerAsync);
        answer.Headers.Add(("request-id", call.RequestId.ToString()));
        answer.Headers.Add(("client-request-id", call.ClientRequestId));
        answer.Headers.Add(("x-ms-resource-unit", cost.ToString(CultureInfo.InvariantCulture)));
        answer.Headers.Add(("x-ms-ags-diagnostic", Diagnostic));
        return answer;
    }

    private async ValueTask<GraphAnswer> InTimeAsync(
        GraphCall call,
        int cost,
        Func<GraphCall, ValueTask<GraphAnswer>> handler
    )
    {
        if (!mailboxes.Enter(call))
        {
            return FaultAnswers.Throttled(call, null, clock, "Mailbox");
        }

        try
        {
            await DelayAsync(call);
            return FaultAnswers.For(call, clock) ?? throttle.Take(call, cost) ?? await HandleAsync(call, cost, handler);
        }
        finally
        {
            mailboxes.Leave(call);
        }
    }

    private static async ValueTask DelayAsync(GraphCall call)
    {
        var delay = call.Faults.First(FaultKind.Delay)?.DelayMs ?? 0;
        delay += call.InBatch ? 0 : call.Tenant.Settings.LatencyMs;
        if (delay > 0)
        {
            await Task.Delay(delay, call.Aborted);
        }
    }

    private async ValueTask<GraphAnswer> HandleAsync(
        GraphCall call,
        int cost,
        Func<GraphCall, ValueTask<GraphAnswer>> handler
    )
    {
        try
        {
            return await handler(call);
        }
        catch (GraphException error)
        {
            throttle.Refund(call, cost);
            return error.ToAnswer(call.RequestId, call.ClientRequestId, clock);
        }
    }
}
