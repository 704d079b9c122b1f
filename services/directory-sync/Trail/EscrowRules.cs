namespace Rollcall.DirectorySync.Trail;

/// <summary>What is said about an escrowed object, and when it is looked at again. No I/O.</summary>
public static class EscrowRules
{
    public const string InvalidData = "INVALID_DATA";

    /// <summary>As Entra's own provisioning does it: 6 h, 12 h, 24 h, then daily, and never given up.</summary>
    public static TimeSpan DelayAfter(int attempts) =>
        attempts switch
        {
            0 => TimeSpan.FromHours(6),
            1 => TimeSpan.FromHours(12),
            _ => TimeSpan.FromHours(24),
        };
}
