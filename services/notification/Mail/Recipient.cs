using MimeKit;
using Rollcall.Api.Directory.V1;

namespace Rollcall.Notification.Mail;

/// <summary>Whether a person may and can get mail.</summary>
public static class Recipient
{
    private static readonly ParserOptions Strict = new()
    {
        AddressParserComplianceMode = RfcComplianceMode.Strict,
        AllowAddressesWithoutDomain = false,
    };

    /// <summary>Null when mail may go out.</summary>
    public static MailObstacle? Problem(User? user, DateTimeOffset now) =>
        user switch
        {
            null => MailObstacle.Unknown,
            { State: UserState.Removed or UserState.Purged } => MailObstacle.Left,
            { LeaveTime: { } leave } when leave.ToDateTimeOffset() <= now => MailObstacle.Left,
            { State: not UserState.Active } => MailObstacle.Disabled,
            _ => Address(user.Mail) is null ? MailObstacle.NoAddress : null,
        };

    /// <summary>The address if it is exactly one plain address; anything else could smuggle in a second one.</summary>
    public static string? Address(string mail) =>
        !mail.Any(char.IsControl)
        && MailboxAddress.TryParse(Strict, mail, out var mailbox)
        && string.Equals(mailbox.Address, mail, StringComparison.Ordinal)
            ? mail
            : null;
}

/// <summary>Why a person gets no mail.</summary>
public enum MailObstacle
{
    Unknown,
    Left,
    Disabled,
    NoAddress,
}
