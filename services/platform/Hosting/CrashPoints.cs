using System.Diagnostics;

namespace Rollcall.Platform;

/// <summary>
/// Named places where tests let the process die as in a power cut. Armed in development only, by ROLLCALL_CRASH_AT =
/// name or name:n (the n-th time); otherwise reaching one is a null check.
/// </summary>
public static class CrashPoints
{
    private static string? armed;
    private static int left;

    /// <summary>For tests in this process: told about each point, and may throw there.</summary>
    public static Action<string>? Reached { get; set; }

    public static void Arm(string? setting)
    {
        var parts = setting?.Split(':');
        left = parts is [_, var nth] ? int.Parse(nth, System.Globalization.CultureInfo.InvariantCulture) : 1;
        armed = parts?[0];
    }

    public static void Reach(string name)
    {
        Reached?.Invoke(name);
        if (armed is not null && armed == name && Interlocked.Decrement(ref left) == 0)
        {
            // SIGKILL: no finally, no dispose, no flush.
            Process.GetCurrentProcess().Kill();
        }
    }
}
