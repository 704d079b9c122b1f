using Rollcall.Api.Directory.V1;

namespace Rollcall.DirectorySync.Graph;

/// <summary>Why the directory could not be read, as far as it matters for what happens next.</summary>
public enum GraphFailure
{
    /// <summary>Busy, unreachable or answering nonsense: tried again soon.</summary>
    Transient,

    /// <summary>Asked to wait, by Graph or by our own limits: no failure, the attempt is put off.</summary>
    Throttled,

    /// <summary>The delta token is dead: the next round must be a full one.</summary>
    ResyncRequired,
    ConsentRemoved,
    PermissionMissing,
    DisabledByCustomer,
    BlockedByPolicy,
    TenantGone,
    LicenceLapsed,

    /// <summary>Our own credential is refused, for every client alike.</summary>
    CredentialBad,

    /// <summary>An answer we have no rule for; needs a look.</summary>
    Unexpected,

    /// <summary>Not the directory failed us but our own database; nothing of the attempt was written.</summary>
    OwnDatabase,
}

/// <summary>The directory could not be read.</summary>
/// <param name="code">AADSTS number or Graph error code, for people who search for it.</param>
public sealed class GraphException(GraphFailure failure, string code, string message, Exception? inner = null)
    : Exception(message, inner)
{
    public GraphFailure Failure { get; } = failure;
    public string Code { get; } = code;

    /// <summary>Not before this time; null: whenever it suits.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The wait is for all directories, not for this one.</summary>
    public bool WholeApplication { get; init; }

    /// <summary>HTTP status of Graph's answer; 0 when there was none.</summary>
    public int Status { get; init; }

    public static GraphException Garbage(string what, Exception? inner) =>
        new(GraphFailure.Transient, "MALFORMED_PAGE", $"Microsoft Graph sent something unreadable: {what}", inner);

#pragma warning disable MA0051 // one table
    /// <summary>The state, owner and remedy people see. Source: reference to Entra's error codes, AADSTS by AADSTS.</summary>
    public (HealthState State, FixOwner Owner, string Problem, string Remedy) Explain() =>
        Failure switch
        {
            GraphFailure.Transient or GraphFailure.ResyncRequired => (
                HealthState.Failing,
                FixOwner.Nobody,
                $"Microsoft 365 could not be read: {Message}",
                "Nothing to do: it is tried again by itself."
            ),
            GraphFailure.Throttled => (
                HealthState.Degraded,
                FixOwner.Nobody,
                "Microsoft 365 slows us down: the roster is older than it should be.",
                "Nothing to do: it is read again by itself at the time of the next attempt."
            ),
            GraphFailure.ConsentRemoved => (
                HealthState.ConsentRemoved,
                FixOwner.Client,
                "The client's directory no longer knows our application: its consent was removed.",
                "A Global or Privileged Role Administrator of the client opens a new consent link (BeginConsent)."
            ),
            GraphFailure.PermissionMissing => (
                HealthState.ConsentRemoved,
                FixOwner.Client,
                "A permission that was granted before is missing now.",
                "A Global or Privileged Role Administrator of the client opens a new consent link (BeginConsent)."
            ),
            GraphFailure.DisabledByCustomer => (
                HealthState.DisabledByCustomer,
                FixOwner.Client,
                "The client has disabled our application in its directory.",
                "An administrator of the client enables sign-in for the application under Enterprise applications."
            ),
            GraphFailure.BlockedByPolicy => (
                HealthState.DisabledByCustomer,
                FixOwner.Client,
                "A Conditional Access policy of the client blocks our application.",
                "An administrator of the client excludes the application from the workload identity policy."
            ),
            GraphFailure.TenantGone => (
                HealthState.Quarantined,
                FixOwner.Msp,
                "Microsoft knows no directory with this tenant id any more.",
                "Check with the client whether its tenant was deleted or moved; then connect the new one."
            ),
            GraphFailure.LicenceLapsed => (
                HealthState.LicenceLapsed,
                FixOwner.Client,
                "The client's Microsoft subscription has lapsed.",
                "The client renews its subscription; reading resumes by itself."
            ),
            GraphFailure.CredentialBad => (
                HealthState.CredentialBad,
                FixOwner.Platform,
                "Microsoft refuses the platform's own credential.",
                "The platform's operators renew the application's certificate. Clients have nothing to do."
            ),
            GraphFailure.Unexpected => (
                HealthState.Failing,
                FixOwner.Platform,
                $"Microsoft 365 gave an answer we don't know: {Message}",
                "The platform's operators look at the error code."
            ),
            GraphFailure.OwnDatabase => (
                HealthState.Failing,
                FixOwner.Platform,
                Message,
                "The platform's operators see to the database. Clients have nothing to do: reading goes on by itself."
            ),
        };
#pragma warning restore MA0051
}
