using System.ComponentModel.DataAnnotations;

namespace Rollcall.DirectorySync.Hints;

/// <summary>Section Hints: whether and how Graph tells us of changes before the next poll.</summary>
public sealed class HintOptions
{
    public const string Section = "Hints";

    /// <summary>Where edge answers as Graph reaches it, such as https://hooks.example.com; without it there is only polling.</summary>
    public Uri? PublicUrl { get; set; }

    /// <summary>Graph allows up to 41,760 minutes.</summary>
    [Range(typeof(TimeSpan), "00:45:00", "28.00:00:00")]
    public TimeSpan Lifetime { get; set; } = TimeSpan.FromDays(7);

    /// <summary>Far below the lifetime: nobody tells us of a subscription that vanished, the renewal finds out.</summary>
    public TimeSpan RenewEvery { get; set; } = TimeSpan.FromHours(24);

    public string? NotificationUrl => Under("graph/notifications");

    public string? LifecycleUrl => Under("graph/lifecycle");

    private string? Under(string path) => PublicUrl is null ? null : $"{PublicUrl.ToString().TrimEnd('/')}/{path}";
}
