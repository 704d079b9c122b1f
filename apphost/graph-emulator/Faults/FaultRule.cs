using System.Text.Json;
using System.Text.RegularExpressions;

namespace Rollcall.GraphEmulator.Faults;

/// <summary>What can go wrong with a call.</summary>
public enum FaultKind
{
    // Answers instead of the real one.
    Throttle,
    Status,
    Html502,
    BadToken,
    ExpiredPageToken,
    Unauthorized,
    Aadsts,

    // Delta tokens: only calls with a $deltatoken are hit.
    ExpiredToken,
    GoneWithLocation,

    // The page is right in the end, but not tidy.
    EmptyPage,
    Duplicate,
    Replay,
    Shuffle,
    RemovedInInitial,

    // The link to the next page, of a round or a list, leads to the first one.
    Circle,

    // The right answer, badly delivered.
    Delay,
    Reset,
    Truncate,
    Slow,
    Hang,
}

/// <summary>One planned fault: which calls it hits, how often, and what it does to them.</summary>
public sealed record FaultRule
{
    public Guid Id { get; init; } = Guid.CreateVersion7();
    public FaultKind Kind { get; init; }

    /// <summary>Null = every tenant.</summary>
    public Guid? Tenant { get; init; }

    /// <summary>
    /// Glob with * over the path (/v1.0/users/delta*); with a ? in it, over path and query. Null = all of Graph, for
    /// <see cref="FaultKind.Aadsts"/> sign-in.
    /// </summary>
    public string? Path { get; init; }
    public string? Method { get; init; }

    /// <summary>Only these matching calls, counted from 1. Null = all.</summary>
    public int[]? Nth { get; init; }

    /// <summary>Every n-th matching call.</summary>
    public int? Every { get; init; }

    /// <summary>At most this often.</summary>
    public int? Times { get; init; }
    public double? Probability { get; init; }

    /// <summary>Seconds as a number, "date" for an HTTP date 20 s ahead, "none" to leave the header out.</summary>
    public JsonElement? RetryAfter { get; init; }
    public int? Status { get; init; }
    public string? Code { get; init; }
    public string? Message { get; init; }

    /// <summary>The AADSTS code of <see cref="FaultKind.Aadsts"/>.</summary>
    public int? Aadsts { get; init; }
    public int? DelayMs { get; init; }

    /// <summary>Whether single requests inside a batch are hit (their own path) as well as calls by themselves.</summary>
    public bool InBatch { get; init; } = true;
    public int Matched { get; set; }
    public int Fired { get; set; }

    private Regex? glob;

    public bool Matches(Guid? tenant, string method, string path, string query)
    {
        var pattern = Path ?? (Kind == FaultKind.Aadsts ? "/*/oauth2/v2.0/token" : "/v1.0/*");
        glob ??= new(
            "^" + Regex.Escape(pattern).Replace(@"\*", ".*", StringComparison.Ordinal) + "$",
            RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking
        );
        return (Tenant is null || Tenant == tenant)
            && (Method is null || Method.Equals(method, StringComparison.OrdinalIgnoreCase))
            && glob.IsMatch(pattern.Contains('?', StringComparison.Ordinal) ? path + query : path);
    }

    /// <summary>Counts the match and says whether this one is to fail.</summary>
    public bool Fires(Random random)
    {
        Matched++;
        var fires =
            (Times is null || Fired < Times)
            && (Nth is null || Nth.Contains(Matched))
            && (Every is null || Matched % Every == 0)
            && (Probability is null || random.NextDouble() < Probability);
        Fired += fires ? 1 : 0;
        return fires;
    }
}
