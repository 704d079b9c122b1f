using Rollcall.Api.Notification.V1;
using Rollcall.Notification.Data;

namespace Rollcall.Notification.Mail;

/// <summary>Why a person did or did not get mail, in a code for machines and a sentence for people.</summary>
public static class MailExplanation
{
    /// <param name="newest">The person's newest mail; null if there was none.</param>
    public static (string Code, string Text) Of(MailObstacle? obstacle, int openAssignments, MailDelivery? newest) =>
        (obstacle, newest?.State) switch
        {
            // What stands in the way now says more than an older mail.
            (MailObstacle.Unknown, _) => ("USER_UNKNOWN", "The roster has no such person, so no mail is sent."),
            (MailObstacle.Left, _) => ("USER_LEFT", "The person has left, so no mail is sent."),
            (MailObstacle.Disabled, _) => (
                "USER_DISABLED",
                "The person's account is disabled: no mail until it is enabled again."
            ),
            (MailObstacle.NoAddress, _) => (
                "ADDRESS_MISSING",
                "The directory has no usable mail address for the person. Mail goes out once it has one."
            ),
            (_, DeliveryState.Held) => ("MAIL_HELD", $"A mail is held back: {newest!.Reason}."),
            (_, DeliveryState.Failed) => ("MAIL_FAILING", $"A mail could not be sent yet: {newest!.Reason}."),
            (_, DeliveryState.Rejected) => ("MAIL_REJECTED", $"The newest mail was refused: {newest!.Reason}."),
            (_, DeliveryState.Pending or DeliveryState.Sending) => ("MAIL_WAITING", "A mail is about to be sent."),
            (_, DeliveryState.Sent) => ("MAIL_SENT", "The newest mail was accepted by the mail server."),
            (_, _) when openAssignments == 0 => ("NOTHING_ASSIGNED", "The person has no open training."),
            (_, _) => ("MAIL_WAITING", "A mail is about to be planned."),
        };
}
