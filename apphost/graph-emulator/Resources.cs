namespace Rollcall.GraphEmulator;

/// <summary>Pages built into the assembly.</summary>
public static class Resources
{
    public static string Read(string name)
    {
        using var stream =
            typeof(Resources).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"Resource {name} is missing.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
