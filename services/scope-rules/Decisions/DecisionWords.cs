using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Rollcall.Api.Directory.V1;

namespace Rollcall.ScopeRules.Decisions;

/// <summary>The words reasons are made of.</summary>
internal static class DecisionWords
{
    public static string KindWords(AccountKind kind) =>
        kind switch
        {
            AccountKind.Person => "a person's",
            AccountKind.Guest => "a guest's",
            AccountKind.Contractor => "a contractor's",
            AccountKind.SharedMailbox => "a shared mailbox",
            AccountKind.Resource => "a room or equipment mailbox",
            AccountKind.Service => "a service account",
            AccountKind.Admin => "a person's second, administrative one",
            AccountKind.Unspecified => "of a kind nobody has confirmed yet",
        };

    public static string Names(List<PolicyAudience> audiences) =>
        audiences.Count == 1
            ? $"the rule of {audiences[0].DisplayName}"
            : $"the rules of {string.Join(", ", audiences.SkipLast(1).Select(a => a.DisplayName))} and {audiences[^1].DisplayName}";

    public static string Sentence(string text) => text.EndsWith('.') ? text : $"{text}.";

    public static string Day(Timestamp? day) =>
        day is null ? "an unknown day" : Calendar.DateOf(day).ToString("d MMMM yyyy", CultureInfo.InvariantCulture);
}
