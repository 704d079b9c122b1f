using Rollcall.GraphEmulator.Model;

namespace Rollcall.GraphEmulator.Graph;

/// <summary>Mailbox settings: what a mailbox is for, one user at a time.</summary>
public static class Mailbox
{
    public static GraphAnswer Purpose(GraphCall call, string id)
    {
        var (user, purpose) = Find(call, id);
        return GraphAnswer.Json(writer =>
        {
            Reads.Context(writer, call, $"users('{user.Id}')/mailboxSettings/userPurpose");
            writer.WriteString(ObjectWriter.Value, purpose);
        });
    }

    public static GraphAnswer Settings(GraphCall call, string id)
    {
        var (user, purpose) = Find(call, id);
        return GraphAnswer.Json(writer =>
        {
            Reads.Context(writer, call, $"users('{user.Id}')/mailboxSettings");
            if (call.Option("$select") is null)
            {
                writer.WriteString("timeZone", "UTC");
                writer.WriteString("dateFormat", "yyyy-MM-dd");
                writer.WriteString("timeFormat", "HH:mm");
            }

            writer.WriteStartObject("userPurpose");
            writer.WriteString(ObjectWriter.Value, purpose);
            writer.WriteEndObject();
        });
    }

    private static (User User, string Purpose) Find(GraphCall call, string id)
    {
        call.Require("MailboxSettings.Read");
        var user = call.Find<User>(id);
        if (user.MailboxBlocked)
        {
            throw new GraphException(403, "ErrorAccessDenied", "Access to OData is disabled.");
        }

        return user.MailboxPurpose is { } purpose
            ? (user, purpose)
            : throw new GraphException(
                404,
                "MailboxNotEnabledForRESTAPI",
                "The mailbox is either inactive, soft-deleted, or is hosted on-premise."
            );
    }
}
