using Rollcall.Api.Assignment.V1;

namespace Rollcall.Assignment.Planning;

/// <summary>What the seven audiences of the template learn by default; exclusions, the seventh, nothing.</summary>
public static class DefaultPaths
{
    public static IReadOnlyList<TemplateCourse> Courses { get; } =
    [
        new("security-basics", "Security awareness basics", 20),
        new("phishing", "Recognising and reporting phishing", 15),
        new("handling-data", "Handling client and personal data", 15),
        new("leading-securely", "Security for managers: starters, movers, leavers", 15),
        new("payment-fraud", "Invoice and payment fraud", 20),
        new("executive-targets", "Executives as targets: fraud in your name", 15),
        new("privileged-access", "Working with privileged access", 25),
        new("contractor-rules", "Working for us securely: rules for contractors", 10),
    ];

    public static IReadOnlyList<TemplatePath> Paths { get; } =
    [
        new("baseline", ["security-basics", "phishing", "handling-data"], 30, Recurrence.Yearly),
        new("managers", ["leading-securely"], 30, Recurrence.Yearly),
        new("finance", ["payment-fraud"], 14, Recurrence.Yearly),
        new("executives", ["executive-targets"], 30, Recurrence.Yearly),
        new("admins", ["privileged-access"], 14, Recurrence.Yearly),
        new("contractors", ["security-basics", "contractor-rules"], 14, Recurrence.None),
    ];
}

public sealed record TemplateCourse(string Key, string Title, int DurationMinutes);

public sealed record TemplatePath(string Audience, IReadOnlyList<string> Courses, int DueDays, Recurrence Recurrence);
