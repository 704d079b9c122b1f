using System.Globalization;

namespace Rollcall.Local.Processes;

/// <summary>How root gives a child another account (PostgreSQL refuses to run as root).</summary>
public static class Accounts
{
    private const int DacOverride = 1;

    /// <summary>Options for setpriv: none unless we are root and another account is asked for.</summary>
    public static IEnumerable<string> SetprivOptions(string? user)
    {
        if (user is null || !Environment.IsPrivilegedProcess)
        {
            return [];
        }

        string[] account = [$"--reuid={user}", $"--regid={user}", "--init-groups"];

        // A checkout under a home of mode 700 is closed to that account without this.
        return MayOverrideFileModes()
            ? [.. account, "--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
            : account;
    }

    // CapPrm:	000001ffffffffff
    private static bool MayOverrideFileModes()
    {
        var line = File.ReadLines("/proc/self/status").First(l => l.StartsWith("CapPrm:", StringComparison.Ordinal));
        var capabilities = ulong.Parse(line.AsSpan("CapPrm:".Length).Trim(), NumberStyles.HexNumber, null);
        return (capabilities & (1UL << DacOverride)) != 0;
    }
}
