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

    /// <summary>One call, sign-in and the whole answer included. What takes longer ends the attempt.</summary>
    public TimeSpan CallTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>So many failures in a row leave a directory alone for <see cref="BreakFor"/>; then one call tries.</summary>
    [Range(3, 1000)]
    public int BreakAfter { get; set; } = 5;

    public TimeSpan BreakFor { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Resource units a directory may take in 10 s, all instances of the service together. Microsoft's limit for the smallest
    /// tenants.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int TenantUnits { get; set; } = 3_500;

    /// <summary>Resource units of the application in 20 s, all instances of the service together.</summary>
    [Range(2, int.MaxValue)]
    public int AppUnits { get; set; } = 150_000;

    /// <summary>Bytes of pages a round may hold in memory before it puts them into the database.</summary>
    public int WindowBytes { get; set; } = 4 << 20;
}
