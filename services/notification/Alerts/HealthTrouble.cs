using Rollcall.Api.Directory.V1;
using Rollcall.Api.Notification.V1;

namespace Rollcall.Notification.Alerts;

/// <summary>What a client's health means to people: the condition to alert, how bad it is, and whether it makes a ticket.</summary>
public sealed record HealthTrouble(string Condition, Severity Severity, string Summary)
{
    /// <summary>Null when there is nothing an MSP should be told: healthy, not begun yet, or ours to mend.</summary>
    public static HealthTrouble? Of(SyncHealth health) =>
        health.State switch
        {
            HealthState.Unspecified or HealthState.Healthy or HealthState.CredentialBad => null,

            // A client that is being set up waits for consent; that is no failure.
            HealthState.AwaitingConsent => health.LastSuccessTime is null
                ? null
                : new("CONSENT_MISSING", Severity.High, "Consent is needed again: the directory is not read"),
            HealthState.ConsentRemoved => new(
                "CONSENT_REMOVED",
                Severity.High,
                "Consent was removed: the directory is not read"
            ),
            HealthState.DisabledByCustomer => new(
                "APP_DISABLED",
                Severity.High,
                "The client disabled the app: the directory is not read"
            ),
            HealthState.LicenceLapsed => new(
                "LICENCE_LAPSED",
                Severity.High,
                "A licence lapsed: the directory is not read"
            ),

            // The same trouble getting worse, so the same alert and ticket.
            HealthState.Failing => new("SYNC_FAILING", Severity.Medium, "Directory sync is failing"),
            HealthState.Quarantined => new("SYNC_FAILING", Severity.High, "Directory sync keeps failing"),
            HealthState.Late => new("SYNC_LATE", Severity.Medium, "Directory sync is late: the roster is ageing"),
            HealthState.Degraded => new("SYNC_DEGRADED", Severity.Low, "Directory sync holds changes back"),
            _ => new("SYNC_UNKNOWN", Severity.Medium, "Directory sync is in an unknown state"),
        };

    /// <summary>A ticket is work for a service desk: none where only the platform can act, or nobody has to yet.</summary>
    public static bool NeedsTicket(FixOwner owner, Severity severity) =>
        owner switch
        {
            FixOwner.Platform => false,
            FixOwner.Nobody => severity == Severity.High,
            _ => true,
        };
}
