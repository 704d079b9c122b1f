using System.Globalization;
using Rollcall.Local.Processes;

namespace Rollcall.Local;

/// <summary>The development clock all services of a run share: an offset in a file.</summary>
public static class ClockOffset
{
    public static string File(string runFolder) => Path.Combine(runFolder, "clock");

    /// <summary>Moves the clock on by e.g. +30d, +6h, +15m; 0 sets it back to the real time.</summary>
    /// <returns>The time the platform now has.</returns>
    public static DateTimeOffset Move(string runFolder, string amount)
    {
        var offset = amount == "0" ? TimeSpan.Zero : Read(runFolder) + Parse(amount);
        var draft = File(runFolder) + ".new";
        System.IO.File.WriteAllText(draft, offset.ToString("c", CultureInfo.InvariantCulture));
        System.IO.File.Move(draft, File(runFolder), overwrite: true);
        return TimeProvider.System.GetUtcNow() + offset;
    }

    private static TimeSpan Read(string runFolder) =>
        System.IO.File.Exists(File(runFolder))
            ? TimeSpan.Parse(System.IO.File.ReadAllText(File(runFolder)), CultureInfo.InvariantCulture)
            : TimeSpan.Zero;

    private static TimeSpan Parse(string amount)
    {
        if (
            amount is ['+' or '-', .. var digits, var unit]
            && double.TryParse(digits, CultureInfo.InvariantCulture, out var n)
        )
        {
            var signed = amount[0] == '-' ? -n : n;
            return unit switch
            {
                'd' => TimeSpan.FromDays(signed),
                'h' => TimeSpan.FromHours(signed),
                'm' => TimeSpan.FromMinutes(signed),
                _ => throw NotUnderstood(amount),
            };
        }

        throw NotUnderstood(amount);
    }

    private static RunFailedException NotUnderstood(string amount) =>
        new($"{amount} is not understood: say +30d, +6h, +15m or 0");
}
