using Rollcall.Api.Assignment.V1;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Notification.V1;
using Rollcall.Notification.Data;
using Rollcall.Notification.Reminders;

namespace Rollcall.Notification.Mail;

/// <summary>The last look before a mail goes out, on the newest facts there are.</summary>
public static class MailCheck
{
    /// <summary>Microsoft 365 rosters are read at least daily; one that is older may name people who have left.</summary>
    public static readonly TimeSpan RosterLimit = TimeSpan.FromHours(24);

    public static MailVerdict Decide(MailFacts facts)
    {
        if (Recipient.Problem(facts.Person, facts.Now) is { } obstacle)
        {
            return new MailVerdict.Cancel(Text(obstacle));
        }

        var open = facts.Topics.Where(t => t.Task is { State: AssignmentState.Open }).ToList();
        if (open.Count == 0)
        {
            return new MailVerdict.Cancel(WhyClosed(facts.Topics));
        }

        return facts.Kind == DeliveryKind.Reminder && Hold(facts) is { } hold
            ? hold
            : new MailVerdict.Send(Latest(open));
    }

    private static MailVerdict.Hold? Hold(MailFacts facts) =>
        IsStale(facts)
            ? new MailVerdict.Hold(
                facts.LastSuccessAt is null
                    ? "The roster has not been synchronized yet"
                    : "The roster is older than 24 hours: it may name people who have left"
            )
        : facts.Hours.IsQuiet(facts.Now) ? new MailVerdict.Hold("Quiet hours of the client")
        : null;

    private static bool IsStale(MailFacts facts) =>
        facts.Person!.Authority == Source.Microsoft365
        && (facts.LastSuccessAt is not { } success || facts.Now - success > RosterLimit);

    /// <summary>Of several reminders of one assignment, gathered while they were held, only the newest makes sense.</summary>
    private static List<MailTopicFacts> Latest(List<MailTopicFacts> open) =>
        [
            .. open.GroupBy(t => t.Item.AssignmentId)
                .Select(g => g.MaxBy(t => t.Item.Step)!)
                .OrderBy(t => t.Task!.DueAt ?? DateTimeOffset.MaxValue)
                .ThenBy(t => t.Item.AssignmentId),
        ];

    private static string Text(MailObstacle obstacle) =>
        obstacle switch
        {
            MailObstacle.Unknown => "The person is not in the roster",
            MailObstacle.Left => "The person has left",
            MailObstacle.Disabled => "The person's account is disabled",
            MailObstacle.NoAddress => "The person has no usable mail address",
            _ => throw new ArgumentOutOfRangeException(nameof(obstacle), obstacle, message: null),
        };

    private static string WhyClosed(IReadOnlyList<MailTopicFacts> topics) =>
        topics.Select(t => t.Task?.State).Distinct().ToList() switch
        {
            [AssignmentState.Withdrawn] => "The training was withdrawn",
            [AssignmentState.Completed] => "The training was completed",
            [AssignmentState.Paused] => "The training is paused",
            [AssignmentState.Waived] => "The training was waived",
            _ => "No training of this mail is open any more",
        };
}

/// <summary>Everything the last look rests on.</summary>
public sealed record MailFacts(
    DeliveryKind Kind,
    User? Person,
    IReadOnlyList<MailTopicFacts> Topics,
    DateTimeOffset? LastSuccessAt,
    ReminderHours Hours,
    DateTimeOffset Now
);

/// <summary>A topic of the mail and the assignment as it is now.</summary>
public sealed record MailTopicFacts(MailItem Item, TrainingTask? Task);

/// <summary>What becomes of a mail whose turn has come.</summary>
public abstract record MailVerdict
{
    public sealed record Send(IReadOnlyList<MailTopicFacts> Topics) : MailVerdict;

    public sealed record Cancel(string Reason) : MailVerdict;

    public sealed record Hold(string Reason) : MailVerdict;
}
