using System.Globalization;

namespace Rollcall.Local;

/// <summary>What the services need: proportional set size, in which a page shared by several counts once.</summary>
public static class Memory
{
    public const double LimitMegabytes = 1200;

    /// <summary>Megabytes of each service, by the pid files of the run.</summary>
    public static Dictionary<string, double> OfServices(string runFolder, IEnumerable<string> services) =>
        services.ToDictionary(
            service => service,
            service => Pss(File.ReadAllText(Path.Combine(runFolder, "pids", $"{service}.pid")).Trim()),
            StringComparer.Ordinal
        );

    private static double Pss(string pid)
    {
        var line = File.ReadLines($"/proc/{pid}/smaps_rollup")
            .First(l => l.StartsWith("Pss:", StringComparison.Ordinal));
        var kilobytes = line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1];
        return double.Parse(kilobytes, CultureInfo.InvariantCulture) / 1024;
    }
}
