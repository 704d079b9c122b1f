namespace Rollcall.DirectorySync.Sync;

/// <summary>
/// Decides whether losses (people removed or disabled) are believed at once. A wrong directory looks just like a mass
/// dismissal, so beyond these limits they wait for a person's word. The floors keep small clients workable.
/// </summary>
public static class Brake
{
    private const int Floor = 5;
    private const double RunShare = 0.10;
    private const double WeekShare = 0.20;

    /// <param name="active">Active people before the run.</param>
    /// <param name="lost">Of them, those the run would lose.</param>
    /// <param name="lostThisWeek">Lost in the seven days before the run.</param>
    /// <returns>Why the losses must wait; null if they may apply.</returns>
    public static string? Reason(int active, int lost, int lostThisWeek)
    {
        if (lost == 0)
        {
            return null;
        }

        if (lost == active && active > 1)
        {
            return "EMPTY_DIRECTORY";
        }

        if (lost > Math.Max(Floor, active * RunShare))
        {
            return "MASS_REMOVAL_RUN";
        }

        return lost + lostThisWeek > Math.Max(Floor, active * WeekShare) ? "MASS_REMOVAL_WEEK" : null;
    }
}
