using System.Collections.Concurrent;
using Rollcall.GraphEmulator.Graph;

namespace Rollcall.GraphEmulator.Faults;

/// <summary>Exchange's own limit: four calls at a time per application and mailbox.</summary>
public sealed class MailboxLimit
{
    private const int Max = 4;
    private readonly ConcurrentDictionary<(string App, string Mailbox), int> running = [];

    /// <summary>False when the call is one too many; otherwise <see cref="Leave"/> must follow.</summary>
    public bool Enter(GraphCall call)
    {
        if (Key(call) is not { } key)
        {
            return true;
        }

        if (running.AddOrUpdate(key, 1, (_, count) => count + 1) <= Max)
        {
            return true;
        }

        Leave(call);
        return false;
    }

    public void Leave(GraphCall call)
    {
        if (Key(call) is { } key)
        {
            running.AddOrUpdate(key, 0, (_, count) => count - 1);
        }
    }

    private static (string, string)? Key(GraphCall call) =>
        call.Segments is ["users", var user, "mailboxSettings", ..]
            ? (call.Token.AppId, $"{call.Tenant.Id}/{user}")
            : null;
}
