using Rollcall.Local.Processes;

namespace Rollcall.Local.Servers;

/// <summary>Finds installed programs.</summary>
public static class Programs
{
    private const int OldestPostgres = 15;

    /// <summary>Debian keeps the server's programs out of PATH, one folder a version: the newest is taken.</summary>
    public static string Postgres(string name)
    {
        var root = new DirectoryInfo("/usr/lib/postgresql");
        var newest = (root.Exists ? root.GetDirectories() : [])
            .Select(d => (Version: int.TryParse(d.Name, null, out var v) ? v : 0, File: $"{d.FullName}/bin/{name}"))
            .Where(p => p.Version >= OldestPostgres && File.Exists(p.File))
            .OrderByDescending(p => p.Version)
            .FirstOrDefault();
        return newest.File ?? Find(name);
    }

    public static string Find(string name) =>
        TryFind(name) ?? throw new RunFailedException($"{name} is not installed: ./run and ./test install it");

    public static string? TryFind(string name)
    {
        // sbin: a plain user's PATH on Debian has none of it.
        var path = Environment.GetEnvironmentVariable("PATH") + ":/usr/local/sbin:/usr/sbin:/sbin";
        return path.Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, name))
            .FirstOrDefault(File.Exists);
    }
}
