using System.ComponentModel.DataAnnotations;

namespace Rollcall.DirectorySync.Graph;

/// <summary>Where Microsoft Graph and Entra sign-in are, and who we are there.</summary>
public sealed class GraphOptions
{
    [Required]
    public Uri BaseUrl { get; set; } = new("https://graph.microsoft.com/v1.0");

    [Required]
    public Uri Authority { get; set; } = new("https://login.microsoftonline.com");

    /// <summary>PEM of a CA to trust for these two hosts only: the emulator's, or a proxy's.</summary>
    public string? CaFile { get; set; }

    [Required]
    public string ClientId { get; set; } = "";

    /// <summary>PEM with the application's certificate and private key.</summary>
    [Required]
    public string CertificateFile { get; set; } = "";

    /// <summary>Before the second try of a request that Graph gave no waiting time for; doubled for each further one.</summary>
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Bytes of pages a round may hold in memory before it puts them into the database.</summary>
    public int WindowBytes { get; set; } = 4 << 20;
}
