using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using Rollcall.GraphEmulator.Graph;
using Rollcall.GraphEmulator.Model;

namespace Rollcall.GraphEmulator.Faults;

/// <summary>Resource units: what a call costs, and the buckets of each application and tenant.</summary>
public sealed class Throttle(EmulatorClock clock)
{
    private static readonly TimeSpan TenantWindow = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan AppWindow = TimeSpan.FromSeconds(20);
    private readonly ConcurrentDictionary<(string App, Guid Tenant), Bucket> buckets = [];

    /// <summary>Units per 20 s of one application over all tenants.</summary>
    public int AppLimit { get; set; } = 150_000;

    public static int Cost(GraphCall call)
    {
        if (call.Segments is ["$batch"])
        {
            return 0;
        }

        var cost = call.Segments switch
        {
            ["users"] => 2,
            ["groups", _, "members", ..] => 3,
            ["groups", _, "transitiveMembers", ..] => 5,
            ["users", _, "memberOf"] => 2,
            [_, "appRoleAssignments"] => 2,
            _ => 1,
        };
        var select = call.Query.ContainsKey("$select") ? 1 : 0;
        var expand = call.Query.ContainsKey("$expand") ? 1 : 0;
        var few = int.TryParse(call.Option("$top"), CultureInfo.InvariantCulture, out var top) && top < 20 ? 1 : 0;
        return Math.Max(1, cost - select + expand - few);
    }

    /// <summary>Takes the cost from both buckets, or answers 429.</summary>
    public GraphAnswer? Take(GraphCall call, int cost)
    {
        var settings = call.Tenant.Settings;
        if (!settings.Throttling)
        {
            return null;
        }

        var limit = settings.ResourceUnits ?? OfSize(call.Tenant.ActiveUsers);
        var now = clock.GetUtcNow();
        var wait = Of(call.Token.AppId, call.Tenant.Id).Take(cost, limit, TenantWindow, now);
        if (wait is { } seconds)
        {
            return FaultAnswers.Throttled(call, Json(seconds), clock);
        }

        return Of(call.Token.AppId, Guid.Empty).Take(cost, AppLimit, AppWindow, now) is { } appSeconds
            ? FaultAnswers.Throttled(call, Json(appSeconds), clock, "Application")
            : null;
    }

    public void Refund(GraphCall call, int cost)
    {
        if (call.Tenant.Settings.Throttling)
        {
            Of(call.Token.AppId, call.Tenant.Id).Refund(cost);
            Of(call.Token.AppId, Guid.Empty).Refund(cost);
        }
    }

    private static int OfSize(int users) =>
        users switch
        {
            < 50 => 3_500,
            <= 500 => 5_000,
            _ => 8_000,
        };

    private static JsonElement Json(int seconds) => JsonSerializer.SerializeToElement(seconds);

    private Bucket Of(string app, Guid tenant) => buckets.GetOrAdd((app, tenant), static _ => new());

    private sealed class Bucket
    {
        private readonly Lock gate = new();
        private DateTimeOffset start;
        private int used;

        /// <summary>Seconds to wait when the window's units are spent.</summary>
        public int? Take(int cost, int limit, TimeSpan window, DateTimeOffset now)
        {
            lock (gate)
            {
                if (now - start >= window || now < start)
                {
                    (start, used) = (now, 0);
                }

                if (used + cost > limit)
                {
                    return Math.Max(1, (int)Math.Ceiling((start + window - now).TotalSeconds));
                }

                used += cost;
                return null;
            }
        }

        public void Refund(int cost)
        {
            lock (gate)
            {
                used = Math.Max(0, used - cost);
            }
        }
    }
}
