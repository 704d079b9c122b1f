using Google.Protobuf.WellKnownTypes;
using Rollcall.Platform;

namespace Rollcall.Notification.Api;

internal static class Masks
{
    public static IReadOnlyList<string> Paths(FieldMask? mask) =>
        mask?.Paths is { Count: > 0 } paths
            ? [.. paths.Distinct(StringComparer.Ordinal)]
            : throw AppException.Invalid("update_mask", "must name the fields to change");
}
