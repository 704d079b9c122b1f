using Rollcall.Local.Processes;

namespace Rollcall.Local;

/// <summary>Where the source is and where its builds are.</summary>
public static class Checkout
{
    public static string Root { get; } =
        FindRoot(Environment.CurrentDirectory) ?? FindRoot(AppContext.BaseDirectory) ?? Environment.CurrentDirectory;

    /// <summary>The built program of a project, e.g. ScopeRules.</summary>
    public static string Program(string project)
    {
        var artifacts = Environment.GetEnvironmentVariable("ArtifactsPath") is { Length: > 0 } path
            ? path
            : Path.Combine(Root, "artifacts");
        var program = Path.Combine(artifacts, "bin", project, "release", project + ".dll");
        return File.Exists(program)
            ? program
            : throw new RunFailedException($"{program} is not built: dotnet build -c Release");
    }

    private static string? FindRoot(string start)
    {
        for (var folder = new DirectoryInfo(start); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Platform.sln")))
            {
                return folder.FullName;
            }
        }

        return null;
    }
}
