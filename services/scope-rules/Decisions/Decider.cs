using System.Text.RegularExpressions;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Scope.V1;
using Rollcall.ScopeRules.Rules;
using static Rollcall.ScopeRules.Decisions.DecisionWords;

namespace Rollcall.ScopeRules.Decisions;

/// <summary>A person and the exceptions in force for them, oldest first.</summary>
public sealed record Candidate(RuleSubject Subject, IReadOnlyList<Exemption> Exceptions)
{
    public User User => Subject.User;
}

/// <summary>An exception in force for somebody.</summary>
public sealed record Exemption(
    Guid Id,
    ExceptionKind Kind,
    IReadOnlyList<string> Audiences,
    string Reason,
    DateTimeOffset? ExpiresAt
);

/// <summary>What was decided, and when time alone may change it.</summary>
public sealed record Outcome(
    Verdict Verdict,
    IReadOnlyList<string> Audiences,
    string ReasonCode,
    string Reason,
    DateTimeOffset? NextEvaluationAt = null
);

/// <summary>
/// Decides who is in scope: left, escrowed, not a person; then exclude exception, exclude rule, include exception,
/// include rule. Pure: the same person, policy and time always give the same outcome.
/// </summary>
public sealed class Decider(PolicyRules policy, Calendar calendar, int leaverAfterDays, DateTimeOffset now)
{
    private static readonly TimeSpan TimeoutRetry = TimeSpan.FromHours(1);

    /// <summary>Reason code of those a rule could not be held against in time: not a decision to overturn one by.</summary>
    public const string RuleTimeout = "rule_timeout";
    private const string NoAudience = "No audience's rule includes this person.";

    /// <param name="trail">Takes each step that was walked.</param>
    public Outcome Decide(Candidate candidate, ICollection<ExplainStep>? trail = null)
    {
        var next = NextChange(candidate);
        try
        {
            var outcome =
                Note(trail, "left", Left(candidate))
                ?? Note(trail, "escrowed", Escrowed(candidate))
                ?? Note(trail, "account_kind", Kind(candidate))
                ?? Note(trail, "exclude_exception", ExcludeException(candidate))
                ?? Note(trail, "exclude_rule", ExcludeRule(candidate))
                ?? Note(trail, "include_exception", IncludeException(candidate))
                ?? Note(trail, "unconfirmed_kind", UnconfirmedKind(candidate))
                ?? Note(trail, "include_rule", IncludeRule(candidate))
                ?? new(Verdict.NotIncluded, [], "no_audience", NoAudience);
            return outcome with { NextEvaluationAt = next };
        }
        catch (RegexMatchTimeoutException e)
        {
            var reason = $"Held: a rule took too long on this entry (-match \"{e.Pattern}\"); it is tried again.";
            trail?.Add(
                new()
                {
                    Step = RuleTimeout,
                    Decided = true,
                    Finding = reason,
                }
            );
            return new(Verdict.Held, [], RuleTimeout, reason, Min(next, now + TimeoutRetry));
        }
    }

    private (Outcome?, string) Left(Candidate candidate)
    {
        var user = candidate.User;
        var (code, finding) = user.State switch
        {
            UserState.Removed when user.OutsideImportScope => (
                "outside_import_scope",
                $"Not covered by what is imported from the directory since {Day(user.StateTime)}."
            ),
            UserState.Removed => ("removed", $"Deleted from the directory on {Day(user.StateTime)}."),
            UserState.Purged => ("purged", "Deleted from the directory for good."),
            _ when user.LeaveTime is { } leave && calendar.EndOf(leave) <= now => (
                "leave_date",
                $"Left on {Day(leave)}."
            ),
            UserState.Disabled when DisabledTooLongAt(user) <= now => (
                "disabled",
                $"Disabled for {leaverAfterDays} days or more, which counts as having left."
            ),
            _ => ("", "In the directory, not a leaver."),
        };
        return code.Length == 0 ? (null, finding) : (new(Verdict.Left, [], code, finding), finding);
    }

    private static (Outcome?, string) Escrowed(Candidate candidate)
    {
        if (candidate.User.EscrowReason is not { Length: > 0 } code)
        {
            return (null, "The directory's entry can be used.");
        }

        var words = code.Replace('_', ' ').ToLowerInvariant();
        var finding = $"The directory's entry cannot be used: {words}.";
        return (new(Verdict.Escrowed, [], code, finding), finding);
    }

    private static (Outcome?, string) Kind(Candidate candidate)
    {
        var user = candidate.User;
        var evidence =
            user.KindDecision is { } decision ? $" (decided: {decision.Reason.TrimEnd('.')})"
            : user.KindEvidence.Length > 0 ? $" ({user.KindEvidence})"
            : "";
        var finding = $"The account is {KindWords(user.Kind)}{evidence}.";
        return user.Kind is AccountKind.SharedMailbox or AccountKind.Resource or AccountKind.Service
            ? (new(Verdict.NotAPerson, [], RuleProperty.KindName(user.Kind), finding), finding)
            : (null, finding);
    }

    private static (Outcome?, string) ExcludeException(Candidate candidate)
    {
        if (candidate.Exceptions.FirstOrDefault(e => e.Kind == ExceptionKind.Exclude) is not { } exception)
        {
            return (null, "No exception excludes this person.");
        }

        var finding = $"Excluded by exception: {Sentence(exception.Reason)}";
        return (new(Verdict.ExcludedByException, [], exception.Id.ToString(), finding), finding);
    }

    private (Outcome?, string) ExcludeRule(Candidate candidate)
    {
        if (policy.Excluding.FirstOrDefault(a => a.Rule.Matches(candidate.Subject)) is not { } audience)
        {
            return (null, "No rule excludes this person.");
        }

        var finding = $"Excluded by the rule of {audience.DisplayName}.";
        return (new(Verdict.ExcludedByRule, [], audience.Key, finding), finding);
    }

    private (Outcome?, string) IncludeException(Candidate candidate)
    {
        var including = candidate.Exceptions.Where(e => e.Kind == ExceptionKind.Include).ToList();
        if (including.Count == 0)
        {
            return (null, "No exception includes this person.");
        }

        var audiences = Matching(candidate).Union(including.SelectMany(e => AudiencesOf(e.Audiences)));
        var finding = $"In scope by exception: {Sentence(including[0].Reason)}";
        return (InScope(candidate, audiences, including[0].Id.ToString(), finding), finding);
    }

    private static (Outcome?, string) UnconfirmedKind(Candidate candidate) =>
        candidate.User.Kind == AccountKind.Unspecified
            ? (
                new(Verdict.Held, [], "kind_unconfirmed", "Held until it is known whether the account is a person's."),
                "Whether the account is a person's is not known."
            )
            : (null, "The account is known to be a person's.");

    private (Outcome?, string) IncludeRule(Candidate candidate)
    {
        var audiences = Matching(candidate).ToList();
        if (audiences.Count == 0)
        {
            return (null, NoAudience);
        }

        var finding = $"In scope through {Names(audiences)}.";
        return (InScope(candidate, audiences, audiences[0].Key, finding), finding);
    }

    private IEnumerable<PolicyAudience> Matching(Candidate candidate) =>
        policy.Including.Where(a => a.Rule.Matches(candidate.Subject));

    /// <summary>The audiences an exception names; those the policy no longer has are as good as none.</summary>
    private IEnumerable<PolicyAudience> AudiencesOf(IReadOnlyList<string> keys)
    {
        var named = policy.Including.Where(a => keys.Contains(a.Key, StringComparer.Ordinal)).ToList();
        return named.Count > 0 ? named : policy.Including.Take(1);
    }

    private Outcome InScope(Candidate candidate, IEnumerable<PolicyAudience> audiences, string code, string finding)
    {
        var user = candidate.User;
        if (user.HireTime is { } hire && calendar.StartOf(hire) > now)
        {
            return new(Verdict.Held, [], "hire_date", $"Held until the hire date, {Day(hire)}.");
        }

        var keys = audiences.Select(a => a.Key).Order(StringComparer.Ordinal).ToList();
        return user.State == UserState.Disabled
            ? new(Verdict.Paused, keys, code, $"Paused while the account is disabled. {finding}")
            : new(Verdict.InScope, keys, code, finding);
    }

    /// <summary>The next moment at which a date of the person or an exception's end may change the outcome.</summary>
    private DateTimeOffset? NextChange(Candidate candidate)
    {
        var user = candidate.User;
        if (user.State is UserState.Removed or UserState.Purged)
        {
            return null;
        }

        IEnumerable<DateTimeOffset?> moments =
        [
            user.HireTime is { } hire ? calendar.StartOf(hire) : null,
            user.LeaveTime is { } leave ? calendar.EndOf(leave) : null,
            user.State == UserState.Disabled ? DisabledTooLongAt(user) : null,
            .. candidate.Exceptions.Select(e => e.ExpiresAt),
        ];
        return moments.Where(m => m > now).Min();
    }

    /// <summary>An account made ahead of the hire date is disabled until then; those days don't count.</summary>
    private DateTimeOffset DisabledTooLongAt(User user)
    {
        var since = user.StateTime?.ToDateTimeOffset() ?? now;
        var hired = user.HireTime is { } hire ? calendar.StartOf(hire) : since;
        return (since > hired ? since : hired).AddDays(leaverAfterDays);
    }

    private static Outcome? Note(ICollection<ExplainStep>? trail, string name, (Outcome? Outcome, string Finding) step)
    {
        trail?.Add(
            new()
            {
                Step = name,
                Decided = step.Outcome is not null,
                Finding = step.Outcome?.Reason ?? step.Finding,
            }
        );
        return step.Outcome;
    }

    private static DateTimeOffset Min(DateTimeOffset? a, DateTimeOffset b) => a < b ? a.Value : b;
}
