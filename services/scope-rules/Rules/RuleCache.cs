using Microsoft.Extensions.Caching.Memory;

namespace Rollcall.ScopeRules.Rules;

/// <summary>
/// Rules once parsed. Building their regular expressions takes longer than holding them against a page of people, and
/// clients that share a template share its texts.
/// </summary>
public static class RuleCache
{
    private static readonly MemoryCache Parsed = new(new MemoryCacheOptions { SizeLimit = 2000 });

    /// <exception cref="Platform.AppException">INVALID_ARGUMENT, RULE_SYNTAX: the audience's text is no rule.</exception>
    public static RuleNode Get(string text, string audience)
    {
        if (Parsed.TryGetValue(text, out RuleNode? known))
        {
            return known!;
        }

        return Parsed.Set(text, RuleText.Parse(text, audience), new MemoryCacheEntryOptions { Size = 1 });
    }
}
