namespace Rollcall.Benchmarks.Sync.Soak;

/// <summary>Whether a row of samples is flat: the last third against the first, once the process is warm.</summary>
public static class SoakTrend
{
    /// <summary>Code is compiled, pools fill, first rounds are over.</summary>
    private const double WarmUp = 0.1;

    private static readonly (string Name, string Unit, Func<SoakSample, double> Of, double Growth)[] Figures =
    [
        // A heap breathes; a leak of a few kB a round would be more than this in half an hour.
        ("resident memory", "MB", s => s.Resident, 40),
        ("managed heap", "MB", s => s.Heap, 15),
        ("threads", "threads", s => s.Threads, 6),
        ("open handles", "handles", s => s.Handles, 20),
        ("Postgres connections", "connections", s => s.Connections, 5),
        ("outbox rows", "rows", s => s.Outbox, 5),
        ("messages in the queue", "messages", s => s.Queue, 5),
        ("staged pages", "pages", s => s.Pages, 10),
    ];

    public static void Report(Report report, List<SoakSample> samples, int clients)
    {
        List<SoakSample> warm = [.. samples.Skip((int)(samples.Count * WarmUp))];
        var third = Math.Max(1, warm.Count / 3);
        foreach (var (name, unit, of, growth) in Figures)
        {
            List<double> values = [.. warm.Select(of)];
            var (first, last) = (values.Take(third).Average(), values.TakeLast(third).Average());
            report.Say($"soak: {name}, first third", first, unit);
            report.Say($"soak: {name}, last third", last, unit);
            report.Say($"soak: {name}, the most", values.Max(), unit);
            report.Say($"soak: {name}, slope", Slope([.. warm.Select(s => s.Minute)], values) * 60, $"{unit}/h");
            report.Say($"soak: {name}, growth", last - first, unit, growth);
        }

        report.Say("soak: leases too many", samples.Max(s => s.Leases) - clients, "rows", 0);
    }

    /// <summary>Of the straight line that fits best.</summary>
    public static double Slope(List<double> x, List<double> y)
    {
        var (meanX, meanY) = (x.Average(), y.Average());
        var spread = x.Sum(v => (v - meanX) * (v - meanX));
        return spread > 0 ? x.Zip(y, (a, b) => (a - meanX) * (b - meanY)).Sum() / spread : 0;
    }
}
