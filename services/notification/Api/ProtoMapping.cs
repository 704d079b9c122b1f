using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Notification.V1;
using Rollcall.Notification.Data;

namespace Rollcall.Notification.Api;

internal static class ProtoMapping
{
    private const string TimeOfDay = "HH:mm";

    public static string Etag(this uint version) => version.ToString(CultureInfo.InvariantCulture);

    public static Brand ToProto(this MspBrand brand) =>
        new()
        {
            SenderName = brand.SenderName,
            FromAddress = brand.FromAddress,
            PrimaryColor = brand.PrimaryColor,
            TextColor = brand.TextColor,
            LogoUrl = brand.LogoUrl,
            TrainingUrl = brand.TrainingUrl,
            Footer = brand.Footer,
            SupportContact = brand.SupportContact,
            Etag = brand.Version.Etag(),
        };

    public static Cadence ToProto(this ClientCadence cadence) =>
        new()
        {
            Steps = { cadence.Steps },
            SendAt = cadence.SendAt.ToString(TimeOfDay, CultureInfo.InvariantCulture),
            QuietFrom = cadence.QuietFrom?.ToString(TimeOfDay, CultureInfo.InvariantCulture) ?? "",
            QuietUntil = cadence.QuietUntil?.ToString(TimeOfDay, CultureInfo.InvariantCulture) ?? "",
            Etag = cadence.Version.Etag(),
        };

    public static Delivery ToProto(
        this MailDelivery delivery,
        string messageId,
        IEnumerable<DeliveryItem> items,
        DateTimeOffset? nextAttemptAt
    ) =>
        new()
        {
            Id = delivery.Id.ToString(),
            ClientId = delivery.ClientId.ToString(),
            UserId = delivery.UserId.ToString(),
            Kind = delivery.Kind,
            State = delivery.State,
            Reason = delivery.Reason,
            Address = delivery.Address,
            Subject = delivery.Subject,
            MessageId = messageId,
            Items = { items },
            PlanTime = delivery.PlannedAt.ToTimestamp(),
            SendTime = delivery.SentAt?.ToTimestamp(),
            NextAttemptTime = nextAttemptAt?.ToTimestamp(),
            Attempts = delivery.Attempts,
        };

    public static Alert ToProto(this ClientAlert alert) =>
        new()
        {
            Id = alert.Id.ToString(),
            ClientId = alert.ClientId.ToString(),
            DedupeKey = alert.DedupeKey,
            Condition = alert.Condition,
            State = alert.State,
            Severity = alert.Severity,
            Owner = alert.Owner,
            Summary = alert.Summary,
            Problem = alert.Problem,
            Remedy = alert.Remedy,
            ErrorCode = alert.ErrorCode,
            FirstSeenTime = alert.FirstSeenAt.ToTimestamp(),
            LastSeenTime = alert.LastSeenAt.ToTimestamp(),
            Occurrences = alert.Occurrences,
            AcknowledgeTime = alert.AcknowledgedAt?.ToTimestamp(),
            ResolveTime = alert.ResolvedAt?.ToTimestamp(),
            Resolution = alert.Resolution,
            ExternalTicketId = alert.ExternalTicketId,
            ExternalTicketUrl = alert.ExternalTicketUrl,
            TicketCloseTime = alert.TicketClosedAt?.ToTimestamp(),
            Affected = 1,
        };

    public static Alert ToProto(this PlatformAlert alert, int affected) =>
        new()
        {
            Id = alert.Id.ToString(),
            DedupeKey = alert.DedupeKey,
            Condition = alert.Condition,
            State = alert.State,
            Severity = alert.Severity,
            Owner = FixOwner.Platform,
            Summary = alert.Summary,
            Problem = alert.Problem,
            Remedy = alert.Remedy,
            ErrorCode = alert.ErrorCode,
            FirstSeenTime = alert.FirstSeenAt.ToTimestamp(),
            LastSeenTime = alert.LastSeenAt.ToTimestamp(),
            Occurrences = alert.Occurrences,
            AcknowledgeTime = alert.AcknowledgedAt?.ToTimestamp(),
            ResolveTime = alert.ResolvedAt?.ToTimestamp(),
            Resolution = alert.Resolution,
            Affected = Math.Max(affected, 1),
        };
}
