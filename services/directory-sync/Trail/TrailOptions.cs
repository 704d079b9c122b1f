using System.ComponentModel.DataAnnotations;

namespace Rollcall.DirectorySync.Trail;

/// <summary>How long the trail of syncs is kept, and what they leave lying, for the whole platform.</summary>
public sealed class TrailOptions
{
    /// <summary>Months an event is kept; then its month goes as a whole.</summary>
    [Range(1, 120)]
    public int RetentionMonths { get; set; } = 13;

    /// <summary>Days the preview of a dry run is kept.</summary>
    [Range(1, 90)]
    public int PreviewDays { get; set; } = 7;

    /// <summary>
    /// Days the pages of a round that does not come to its end are kept. They hold what Graph sent, of people outside the
    /// import scope too; where they lead on is worth no more than a token, which may be dead after 7 days.
    /// </summary>
    [Range(1, 7)]
    public int StagedPagesDays { get; set; } = 3;
}
