using System.Globalization;
using Rollcall.Api.Reporting.V1;
using Rollcall.Platform;

namespace Rollcall.Reporting.Reports;

/// <summary>Where a page of ListOverdue ends.</summary>
internal sealed record OverdueKey(DateTimeOffset DueAt, Guid AssignmentId)
{
    public static readonly OverdueKey Start = new(DateTimeOffset.UnixEpoch, Guid.Empty);

    public static OverdueKey Of(OverdueAssignment last) =>
        new(last.DueTime.ToDateTimeOffset(), Guid.Parse(last.AssignmentId));

    public static OverdueKey Parse(string? key) =>
        key?.Split(' ') is [var due, var id]
        && DateTimeOffset.TryParse(due, CultureInfo.InvariantCulture, out var dueAt)
        && Guid.TryParse(id, out var assignment)
            ? new(dueAt, assignment)
        : key is null ? Start
        : throw AppException.Invalid("page_token", "was not made by this service");

    public override string ToString() => FormattableString.Invariant($"{DueAt:O} {AssignmentId}");
}
