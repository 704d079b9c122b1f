using Rollcall.Api.Directory.V1;

namespace Rollcall.DirectorySync.Trail;

/// <summary>What is said about an escrowed object, and when it is looked at again. No I/O.</summary>
public static class EscrowRules
{
    public const string MailMissing = "MAIL_MISSING";
    public const string MailDuplicate = "MAIL_DUPLICATE";
    public const string InvalidData = "INVALID_DATA";

    /// <summary>Of groups: their nesting in others is not followed.</summary>
    public const string NestingLimit = "NESTING_LIMIT";

    /// <summary>When an object is looked at again, in plain words.</summary>
    /// <param name="at">For what is read by itself.</param>
    public static string Retry(string reason, Source source, DateTimeOffset at) =>
        (reason, source) switch
        {
            (NestingLimit, _) => "With every sync that brings groups nested otherwise.",
            (MailDuplicate, Source.Csv) =>
                "With the next import of the file, and as soon as the other account leaves or gives the address up.",
            (_, Source.Csv) => "With the next import of the file.",
            _ => $"As soon as the directory says that the entry changed, and by itself at {at:yyyy-MM-dd HH:mm} UTC.",
        };

    /// <summary>As Entra's own provisioning does it: 6 h, 12 h, 24 h, then daily, and never given up.</summary>
    public static TimeSpan DelayAfter(int attempts) =>
        attempts switch
        {
            0 => TimeSpan.FromHours(6),
            1 => TimeSpan.FromHours(12),
            _ => TimeSpan.FromHours(24),
        };

    /// <param name="source">Who comes from a file is the MSP's to mend, not the client's.</param>
    /// <param name="mail">The address of the object, and who else has it.</param>
    /// <param name="invalid">Properties whose values are none.</param>
    public static (string Problem, FixOwner Owner, string Remedy) Explain(
        string reason,
        Source source,
        string mail,
        string holder,
        IEnumerable<(string Name, string Value)> invalid
    ) =>
        reason switch
        {
            MailMissing when source == Source.Csv => (
                "The imported file gives no mail address, so this person cannot be reached.",
                FixOwner.Msp,
                "Add the address to the file, or leave the person out, and import it again."
            ),
            MailDuplicate when source == Source.Csv => (
                $"The address {mail} of the imported file belongs to {(holder.Length > 0 ? holder : "another account")} already.",
                FixOwner.Msp,
                "Leave the line out of the file if it is the same person, or give one of the two another address, and import it again."
            ),
            MailMissing => (
                "The account has no mail address, so this person cannot be reached.",
                FixOwner.Client,
                "The client's administrator gives the account a mail address, or disables it if nobody uses it."
            ),
            MailDuplicate => (
                $"The address {mail} belongs to {(holder.Length > 0 ? holder : "another account")} already.",
                FixOwner.Client,
                "The client's administrator gives one of the accounts another address, or disables the one nobody uses."
            ),
            NestingLimit => (
                "The group is nested in so many groups, directly and through others, that following it would put nearly everybody into nearly every group. Its members are in this group but not, through it, in the ones above.",
                FixOwner.Client,
                "The client's administrator takes the group out of groups it is nested in; circles of groups that contain each other are the usual cause."
            ),
            _ => (
                string.Join("; ", invalid.Select(i => $"{i.Name} cannot be \"{i.Value}\"")) is { Length: > 0 } words
                    ? $"The directory's data is not valid: {words}."
                    : "The directory's data is not valid: a property or a member of the group cannot be read.",
                FixOwner.Client,
                "The client's administrator corrects the entry in the directory."
            ),
        };
}
