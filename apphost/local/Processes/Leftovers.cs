using System.Globalization;
using System.Text;

namespace Rollcall.Local.Processes;

/// <summary>Finds the living children of a run folder by the mark in their environment.</summary>
public static class Leftovers
{
    public static List<int> Find(string runFolder)
    {
        var mark = $"{Spawner.Mark}={runFolder}\0";
        return [.. ProcessIds().Where(pid => pid != Environment.ProcessId && EnvironmentOf(pid).Contains(mark))];
    }

    /// <summary>Lets the children of an earlier, killed run end; kills those that don't.</summary>
    public static async Task ClearAsync(string runFolder, TimeSpan patience, CancellationToken ct)
    {
        var polls = (int)(patience.TotalMilliseconds / 100);
        for (var i = 0; i < polls && Find(runFolder).Count > 0; i++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), ct);
        }

        foreach (var pid in Find(runFolder))
        {
            Signals.Send(pid, Signals.Kill);
        }
    }

    private static IEnumerable<int> ProcessIds() =>
        Directory
            .EnumerateDirectories("/proc")
            .Select(d => int.TryParse(Path.GetFileName(d), CultureInfo.InvariantCulture, out var pid) ? pid : 0)
            .Where(pid => pid > 0);

    private static string EnvironmentOf(int pid)
    {
        try
        {
            return Encoding.UTF8.GetString(File.ReadAllBytes($"/proc/{pid}/environ"));
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            // Ended meanwhile, or another account's: not a child of ours.
            return "";
        }
    }
}
