namespace Rollcall.Local;

/// <summary>Which Microsoft Graph and sign-in directory-sync talks to, and as which application.</summary>
public sealed record GraphSettings(
    string Url,
    string Authority,
    string? CaFile,
    string ClientId,
    string CertificateFile
)
{
    private const string DevelopmentApp = "c0ffee00-5eed-4000-8000-726f6c6c6361";

    /// <summary>The emulator of this run.</summary>
    public static GraphSettings Emulated(RunFolder folder, Certificates certificates)
    {
        var url = $"https://localhost:{folder.Port("graph")}";
        return new(url, url, certificates.CaFile, DevelopmentApp, certificates.AppFile);
    }

    /// <summary>Somebody else's; a real one needs an application it knows, named in Graph__ClientId and …CertificateFile.</summary>
    public static GraphSettings External(Options options, Certificates certificates) =>
        new(
            WithoutVersion(options.Graph!.TrimEnd('/')),
            options.Authority!.TrimEnd('/'),
            options.GraphCa,
            Setting("Graph__ClientId") ?? DevelopmentApp,
            Setting("Graph__CertificateFile") ?? certificates.AppFile
        );

    // Both ways of saying it are common: https://graph.microsoft.com and https://graph.microsoft.com/v1.0.
    private static string WithoutVersion(string url) =>
        url.EndsWith("/v1.0", StringComparison.OrdinalIgnoreCase) ? url[..^"/v1.0".Length] : url;

    private static string? Setting(string name) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } v ? v : null;
}
