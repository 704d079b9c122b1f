using System.Globalization;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Graph;
using Rollcall.DirectorySync.Trail;

namespace Rollcall.DirectorySync.Health;

/// <summary>What people are told about a client: the state, why, whose turn it is, and what to do.</summary>
public sealed record HealthView(HealthState State, string Problem, string ErrorCode, FixOwner Owner, string Remedy)
{
    public static readonly HealthView Healthy = new(HealthState.Healthy, "", "", FixOwner.Nobody, "");

    public static readonly HealthView AwaitingConsent = new(
        HealthState.AwaitingConsent,
        "Nobody has consented to reading this client's directory yet.",
        "",
        FixOwner.Client,
        "A Global or Privileged Role Administrator of the client opens the consent link (BeginConsent)."
    );
}

/// <summary>Decides a client's health and when it is tried again. Retries get slower but never stop. No I/O.</summary>
public static class HealthRules
{
    private const int QuarantineAfter = 5;

    /// <summary>Now and then everybody has to wait, or a server is restarted; people are told when it lasts.</summary>
    private const int TellWaitingAfter = 3;

    private static readonly TimeSpan[] SoonDelays =
    [
        TimeSpan.FromSeconds(15),
        TimeSpan.FromSeconds(30),
        TimeSpan.FromMinutes(1),
        TimeSpan.FromMinutes(2),
        TimeSpan.FromMinutes(5),
        TimeSpan.FromMinutes(15),
        TimeSpan.FromHours(1),
    ];

    /// <summary>For what a person must mend: often enough that a mended client is back the same hour.</summary>
    private static readonly TimeSpan[] PatientDelays =
    [
        TimeSpan.FromMinutes(5),
        TimeSpan.FromMinutes(15),
        TimeSpan.FromHours(1),
        TimeSpan.FromHours(6),
    ];

    /// <summary>Mended for all clients at once, and then no client should be long in coming.</summary>
    private static readonly TimeSpan[] OwnDelays = SoonDelays[..3];

    /// <param name="failures">Failed attempts in a row, this one included.</param>
    public static (HealthView View, TimeSpan Delay) AfterFailure(GraphException error, int failures)
    {
        var (state, owner, problem, remedy) = error.Explain();
        if (error.Failure == GraphFailure.ResyncRequired)
        {
            // Not a failure people need to know: everything is read afresh at once, behind the brake.
            return (HealthView.Healthy, TimeSpan.Zero);
        }

        var own = error.Failure == GraphFailure.OwnDatabase;
        var soon = error.Failure is GraphFailure.Transient or GraphFailure.Throttled or GraphFailure.Unexpected;
        var delays =
            own ? OwnDelays
            : soon ? SoonDelays
            : PatientDelays;
        if (state == HealthState.Failing && failures >= QuarantineAfter && !own)
        {
            state = HealthState.Quarantined;
            owner = owner == FixOwner.Nobody ? FixOwner.Msp : owner;
            remedy =
                "Tried again with growing gaps, never given up. If it lasts, check the client's Microsoft 365 status.";
        }

        var delay = delays[Math.Min(failures, delays.Length) - 1];
        if (error.RetryAfter is { } asked && (asked > delay || error.Failure == GraphFailure.Throttled))
        {
            delay = asked;
        }

        return (new(state, problem, error.Code, owner, remedy), delay);
    }

    /// <summary>Whether a failed attempt changes what people are told.</summary>
    public static bool IsNews(GraphFailure failure, int failures) =>
        failure != GraphFailure.ResyncRequired
        && (failure is not (GraphFailure.Throttled or GraphFailure.OwnDatabase) || failures >= TellWaitingAfter);

    /// <param name="staged">People whose removal waits for approval.</param>
    /// <param name="escrowed">People and groups whose entry cannot be used.</param>
    /// <param name="fromFiles">Of these, people from an imported file.</param>
    /// <param name="groupsMissing">Groups of the import scope that the directory does not have.</param>
    /// <param name="tangled">Groups nested in too many others.</param>
    public static HealthView AfterSuccess(int staged, int escrowed, int fromFiles, int groupsMissing, int tangled) =>
        (staged, groupsMissing, tangled, escrowed) switch
        {
            (0, 0, 0, 0) => HealthView.Healthy,
            (0, > 0, _, _) => new(
                HealthState.Degraded,
                $"Not in the directory: {Count(groupsMissing, "group", "groups")} whose members are to be imported.",
                "IMPORT_GROUP_MISSING",
                FixOwner.Msp,
                "Look at GetImportScope and name groups that the directory has (UpdateImportScope)."
            ),
            (0, _, > 0, _) => new(
                HealthState.Degraded,
                $"{Count(tangled, "group is", "groups are")} nested in so many others that following it would put nearly everybody into nearly every group. Their members are in these groups but not, through them, in the ones above; no membership that counted before was taken away.",
                EscrowRules.NestingLimit,
                FixOwner.Client,
                "The client's administrator untangles the nesting of the groups that ListEscrowed names (NESTING_LIMIT); the next sync takes it up."
            ),
            (0, _, _, _) when escrowed == fromFiles => new(
                HealthState.Degraded,
                $"{Count(escrowed, "person", "people")} of the imported file cannot be used, for a missing or double mail address.",
                "ENTRIES_ESCROWED",
                FixOwner.Msp,
                "Correct the lines of those whom ListEscrowed names and import the file again."
            ),
            (0, _, _, _) => new(
                HealthState.Degraded,
                $"{Count(escrowed, "entry", "entries")} of the directory cannot be used, for instance for a missing or double mail address.",
                "ENTRIES_ESCROWED",
                FixOwner.Client,
                "The client mends the entries that ListEscrowed names; they are taken up by the next sync."
            ),
            _ => new(
                HealthState.Degraded,
                $"{Count(staged, "person", "people")} vanished from the directory at once; nobody is removed until somebody decides.",
                "REMOVALS_STAGED",
                FixOwner.Msp,
                "Look at ListStagedRemovals and approve or reject them."
            ),
        };

    private static string Count(int number, string one, string many) =>
        string.Create(CultureInfo.InvariantCulture, $"{number} {(number == 1 ? one : many)}");

    /// <summary>A healthy client that has not been read for three intervals is late, whatever the cause.</summary>
    public static bool IsLate(HealthState state, TimeSpan sinceSuccess, TimeSpan every) =>
        state is HealthState.Healthy or HealthState.Degraded && sinceSuccess > every * 3 + TimeSpan.FromMinutes(1);

    /// <summary>Who is late because Microsoft slows us down waits for nobody; otherwise the schedule itself is at fault.</summary>
    public static HealthView AsLate(HealthView view) =>
        view is { State: HealthState.Degraded, Owner: FixOwner.Nobody }
            ? view with
            {
                State = HealthState.Late,
            }
            : new(
                HealthState.Late,
                "The directory has not been read for longer than the schedule allows.",
                "SYNC_LATE",
                FixOwner.Platform,
                "The platform's operators look at the scheduler."
            );
}
