using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Graph;

namespace Rollcall.DirectorySync.Sync;

/// <summary>Suggests what kind of account an entry is, with the evidence. First match wins, strongest evidence first.</summary>
public static class AccountKinds
{
    private static readonly string[] ServicePrefixes = ["svc-", "svc_", "svc.", "service-", "sa-", "sync_", "aadc_"];
    private static readonly string[] AdminPrefixes = ["adm-", "adm_", "adm.", "admin-", "admin.", "a-adm"];
    private static readonly string[] RoomWords =
    [
        "room",
        "meeting room",
        "conference",
        "projector",
        "equipment",
        "pool car",
    ];
    private static readonly string[] ContractorWords =
    [
        "contractor",
        "external",
        "consultant",
        "vendor",
        "freelance",
        "temp",
    ];

    /// <summary>Why an account of that kind takes no part; empty if it may.</summary>
    public static string SkippedBecause(AccountKind kind) =>
        kind switch
        {
            AccountKind.SharedMailbox => "KIND_SHARED_MAILBOX",
            AccountKind.Resource => "KIND_RESOURCE",
            AccountKind.Service => "KIND_SERVICE",
            _ => "",
        };

    /// <param name="mailbox">What Exchange says the mailbox is for; null where it was not asked.</param>
    public static (AccountKind Kind, string Evidence) Suggest(PropertySet user, string? mailbox = null)
    {
        if (user["userType"] == "Guest")
        {
            return (AccountKind.Guest, "userType is Guest");
        }

        if (mailbox is "shared" or "room" or "equipment")
        {
            var kind = mailbox == "shared" ? AccountKind.SharedMailbox : AccountKind.Resource;
            return (kind, $"mailbox purpose: {mailbox}");
        }

        var account = user["userPrincipalName"] ?? "";
        if (Prefix(account, ServicePrefixes) is { } service)
        {
            return (AccountKind.Service, $"the account name starts with {service}");
        }

        if (Prefix(account, AdminPrefixes) is { } admin)
        {
            return (AccountKind.Admin, $"the account name starts with {admin}");
        }

        var mailboxOnly = LooksLikeMailboxOnly(user);
        if (mailboxOnly && mailbox != "user")
        {
            return Word(user["displayName"], RoomWords) is { } word
                ? (AccountKind.Resource, $"sign-in blocked, no licence, no surname, and the name says {word}")
                : (AccountKind.SharedMailbox, "sign-in blocked, no licence and no surname, but a mailbox");
        }

        return Word(user["employeeType"], ContractorWords) is { } contractor
            ? (AccountKind.Contractor, $"employeeType says {contractor}")
            : (AccountKind.Person, mailboxOnly ? "mailbox purpose: user" : "a member with no sign of anything else");
    }

    /// <summary>
    /// Unlicensed shared mailboxes and rooms are blocked for sign-in; so is a person on leave, who has a surname or
    /// an employee id.
    /// </summary>
    private static bool LooksLikeMailboxOnly(PropertySet user) =>
        user["accountEnabled"] == "false"
        && user["mail"] is { Length: > 0 }
        && user["assignedLicenses"] is null or "[]"
        && string.IsNullOrEmpty(user["surname"])
        && string.IsNullOrEmpty(user["employeeId"]);

    private static string? Prefix(string account, string[] prefixes) =>
        Array.Find(prefixes, p => account.StartsWith(p, StringComparison.OrdinalIgnoreCase));

    private static string? Word(string? text, string[] words) =>
        Array.Find(words, w => text?.Contains(w, StringComparison.OrdinalIgnoreCase) == true);
}
