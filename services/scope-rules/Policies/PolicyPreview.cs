using Google.Protobuf.Collections;
using Grpc.Core;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Scope.V1;
using Rollcall.Platform;
using Rollcall.ScopeRules.Decisions;

namespace Rollcall.ScopeRules.Policies;

/// <summary>Holds two policies against the same people and keeps what differs: counts, and the first 50 of each.</summary>
public sealed class PolicyPreview(PolicyRules? published, PolicyRules draft)
{
    private const int Shown = 50;
    private readonly Dictionary<string, AudiencePreview> audiences = Audiences(published, draft);
    private readonly SortedDictionary<Verdict, VerdictPreview> verdicts = [];
    private int changed;

    /// <param name="before">Null: no policy is published.</param>
    public void Add(User user, Outcome? before, Outcome after)
    {
        if (after.ReasonCode == Decider.RuleTimeout)
        {
            throw new AppException(StatusCode.InvalidArgument, Decider.RuleTimeout.ToUpperInvariant(), after.Reason);
        }

        Count(after.Verdict).People++;
        if (before is not null)
        {
            Count(before.Verdict).PeopleBefore++;
        }

        if (
            before is null
            || before.Verdict != after.Verdict
            || !before.Audiences.SequenceEqual(after.Audiences, StringComparer.Ordinal)
        )
        {
            changed++;
        }

        var person = new PreviewPerson
        {
            UserId = user.Id,
            DisplayName = user.DisplayName,
            Verdict = after.Verdict,
            Reason = after.Reason,
        };
        var (was, becomes) = (KeysOf(published, before), KeysOf(draft, after));
        foreach (var key in becomes)
        {
            audiences[key].People++;
            Show(audiences[key].FirstPeople, person);
        }

        foreach (var key in becomes.Except(was, StringComparer.Ordinal))
        {
            audiences[key].Joins++;
            Show(audiences[key].FirstJoins, person);
        }

        foreach (var key in was.Except(becomes, StringComparer.Ordinal))
        {
            audiences[key].Leaves++;
            Show(audiences[key].FirstLeaves, person);
        }
    }

    /// <summary>Notes the groups that rules name and the roster does not have: renamed, deleted or misspelt.</summary>
    public void Compare(IEnumerable<Group> groups)
    {
        var names = groups
            .Where(g => !g.Removed)
            .SelectMany(g => new[] { g.DisplayName, g.ExternalId, g.Id })
            .ToHashSet(StringComparer.OrdinalIgnoreCase);
        foreach (var audience in draft.Audiences)
        {
            audiences[audience.Key].MissingGroups.Add(audience.Rule.GroupsNamed().Where(n => !names.Contains(n)));
        }
    }

    public PreviewPolicyResponse Result(long rosterVersion) =>
        new()
        {
            RosterVersion = rosterVersion,
            PublishedVersion = published?.Version ?? 0,
            Audiences = { audiences.Values },
            Verdicts = { verdicts.Values },
            ChangedPeople = changed,
        };

    /// <summary>The audiences the person is in; for an exclude rule, the one that put them out.</summary>
    private static IReadOnlyList<string> KeysOf(PolicyRules? policy, Outcome? outcome) =>
        outcome switch
        {
            null => [],
            { Verdict: Verdict.ExcludedByRule } => [outcome.ReasonCode],
            _ when policy is not null => outcome.Audiences,
            _ => [],
        };

    private static Dictionary<string, AudiencePreview> Audiences(PolicyRules? published, PolicyRules draft) =>
        draft
            .Audiences.Concat(published?.Audiences ?? [])
            .DistinctBy(a => a.Key, StringComparer.Ordinal)
            .ToDictionary(
                a => a.Key,
                a => new AudiencePreview
                {
                    Key = a.Key,
                    DisplayName = a.DisplayName,
                    Kind = a.Kind,
                },
                StringComparer.Ordinal
            );

    private VerdictPreview Count(Verdict verdict)
    {
        if (!verdicts.TryGetValue(verdict, out var count))
        {
            verdicts[verdict] = count = new() { Verdict = verdict };
        }

        return count;
    }

    private static void Show(RepeatedField<PreviewPerson> shown, PreviewPerson person)
    {
        if (shown.Count < Shown)
        {
            shown.Add(person);
        }
    }
}
