using System.ComponentModel.DataAnnotations;

namespace Rollcall.DirectorySync.Trail;

/// <summary>How long the trail of syncs is kept, for the whole platform.</summary>
public sealed class TrailOptions
{
    /// <summary>Months an event is kept; then its month goes as a whole.</summary>
    [Range(1, 120)]
    public int RetentionMonths { get; set; } = 13;

    /// <summary>Days the preview of a dry run is kept.</summary>
    [Range(1, 90)]
    public int PreviewDays { get; set; } = 7;
}
