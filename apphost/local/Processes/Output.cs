namespace Rollcall.Local.Processes;

/// <summary>The terminal: our own lines, and the children's with their name in a colour in front.</summary>
public sealed class Output(bool echoChildren)
{
    private static readonly int[] Palette = [36, 32, 33, 35, 34, 96, 92, 93, 95, 94, 31, 37];
    private static readonly bool Coloured =
        !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("NO_COLOR") is null or "";
    private readonly Lock gate = new();
    private readonly Dictionary<string, int> colours = [];

    /// <summary>For children whose words are for their log alone.</summary>
    public static Output Quiet() => new(echoChildren: false);

    public void Say(string line)
    {
        lock (gate)
        {
            Console.WriteLine(line);
        }
    }

    /// <summary>Something that went wrong and is being dealt with; shown also when children are quiet.</summary>
    public void Warn(string line)
    {
        lock (gate)
        {
            Console.Error.WriteLine(line);
        }
    }

    public void Child(string name, string line)
    {
        if (!echoChildren)
        {
            return;
        }

        lock (gate)
        {
            Console.WriteLine($"{Prefix(name)} {line}");
        }
    }

    private string Prefix(string name)
    {
        if (!Coloured)
        {
            return $"{name, -14} |";
        }

        if (!colours.TryGetValue(name, out var colour))
        {
            colours[name] = colour = Palette[colours.Count % Palette.Length];
        }

        return $"\e[{colour}m{name, -14} |\e[0m";
    }
}
