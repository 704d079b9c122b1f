using Rollcall.Notification.Data;

namespace Rollcall.Notification.Mail;

/// <summary>The brand of an MSP that has not made one.</summary>
public static class DefaultBrand
{
    public static MspBrand Of(Guid mspId, string? mspName) =>
        new() { MspId = mspId, SenderName = mspName is { Length: > 0 } ? mspName : "Security training" };
}
