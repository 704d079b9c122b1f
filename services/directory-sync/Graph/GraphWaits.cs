using System.Net.Http.Headers;

namespace Rollcall.DirectorySync.Graph;

/// <summary>How long an answer asks us to stay away: in seconds, or until a date by the server's own clock.</summary>
public static class GraphWaits
{
    /// <returns>Null when the answer says nothing.</returns>
    public static TimeSpan? Of(HttpResponseHeaders? headers)
    {
        var wait =
            headers?.RetryAfter?.Delta
            ?? headers?.RetryAfter?.Date - (headers?.Date ?? TimeProvider.System.GetUtcNow());
        return wait < TimeSpan.Zero ? TimeSpan.Zero : wait;
    }
}
