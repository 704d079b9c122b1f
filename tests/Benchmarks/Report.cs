using System.Text.Json;
using System.Text.Json.Serialization;

namespace Rollcall.Benchmarks;

/// <summary>One measurement, with as many figures as its promise has.</summary>
/// <param name="Soak">Half an hour long: only with --soak.</param>
public sealed record Row(string Name, Func<Report, Task> RunAsync, bool Soak = false);

/// <summary>Prints figures as JSON lines and remembers whether every target was met.</summary>
public sealed class Report
{
    private static readonly JsonSerializerOptions Web = new(JsonSerializerDefaults.Web)
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    public bool AllMet { get; private set; } = true;

    /// <summary>How long the rows with --soak go on.</summary>
    public TimeSpan SoakLength { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>A figure that must be at most its target; without one it is there to compare with.</summary>
    public void Say(string name, double value, string unit, double? target = null)
    {
        var ok = target is null || value <= target;
        AllMet &= ok;
        Console.WriteLine(
            JsonSerializer.Serialize(
                new
                {
                    name,
                    value = Math.Round(value, 3),
                    unit,
                    target,
                    ok,
                },
                Web
            )
        );
    }
}
