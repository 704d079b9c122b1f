using System.Globalization;
using Rollcall.Benchmarks;
using Rollcall.Benchmarks.Sync;

// ./bench [area …] [--only WORD] [--soak [--minutes N]]: rows whose name contains the word; or the half-hour ones.
var areas = new Dictionary<string, IReadOnlyList<Row>>(StringComparer.Ordinal) { ["sync"] = SyncRows.All };
var only = args.SkipWhile(a => a != "--only").ElementAtOrDefault(1);
var chosen = args.TakeWhile(a => !a.StartsWith("--", StringComparison.Ordinal)).ToList();
if (chosen.Find(a => !areas.ContainsKey(a)) is { } unknown)
{
    await Console.Error.WriteLineAsync(
        $"There are no benchmarks of {unknown}; there are: {string.Join(' ', areas.Keys)}"
    );
    return 2;
}

// Where the in-process hosts look for their content.
Environment.CurrentDirectory = AppContext.BaseDirectory;
var minutes = args.SkipWhile(a => a != "--minutes").ElementAtOrDefault(1) ?? "30";
var report = new Report { SoakLength = TimeSpan.FromMinutes(double.Parse(minutes, CultureInfo.InvariantCulture)) };
var rows = (chosen.Count == 0 ? [.. areas.Keys] : chosen)
    .SelectMany(a => areas[a])
    .Where(r => r.Soak == args.Contains("--soak", StringComparer.Ordinal))
    .Where(r => only is null || r.Name.Contains(only, StringComparison.OrdinalIgnoreCase))
    .ToList();
foreach (var row in rows)
{
    Console.Error.WriteLine($"-- {row.Name}");
    await row.RunAsync(report);
}

return rows.Count > 0 && report.AllMet ? 0 : 1;
