using Rollcall.Api.Assignment.V1;
using Rollcall.Api.Notification.V1;
using Rollcall.Api.Scope.V1;

namespace Rollcall.Local;

/// <summary>From people to training: policy, paths, assignments, mails, and two courses that get done.</summary>
public static class Training
{
    /// <summary>Somebody who completes a course and leaves later.</summary>
    public const string Leaver = "callum.price";

    /// <summary>Somebody who completes a course and gets another name later.</summary>
    public const string Renamed = "chloe.bennett";

    public static async Task RunAsync(Story story, World world, CancellationToken ct)
    {
        story.Chapter("Training", "scope-rules", "assignment", "notification");
        foreach (var company in world.Both)
        {
            await story.StepAsync($"policy of {company.Name}", () => PublishAsync(world, company, ct));
        }

        foreach (var company in world.Both)
        {
            await story.StepAsync($"assignments of {company.Name}", () => AssignAsync(world, company, ct));
        }

        foreach (var company in world.Both)
        {
            await story.StepAsync($"mails to {company.Name}", () => TellAsync(world, company, ct));
        }

        await story.StepAsync("two completions", () => CompleteAsync(world, ct));
    }

    /// <summary>Drafts the policy from the template, as a technician would.</summary>
    public static async Task<Policy> DraftAsync(ApiCaller caller, Company company, CancellationToken ct)
    {
        var made = await caller.Policies.CreatePolicyAsync(
            new() { ClientId = company.ClientId, TemplateKey = "seven-audiences" },
            cancellationToken: ct
        );
        return made.Policy;
    }

    /// <summary>Publishes the draft and waits until everybody is decided on.</summary>
    public static async Task PublishAsync(ApiCaller caller, Policy draft, CancellationToken ct)
    {
        await caller.Policies.PublishPolicyAsync(
            new() { ClientId = draft.ClientId, Etag = draft.Etag },
            cancellationToken: ct
        );
        await Until.HoldsAsync(
            "the published policy to be applied to everyone",
            () =>
                caller
                    .Policies.GetPolicyAsync(new() { ClientId = draft.ClientId }, cancellationToken: ct)
                    .ResponseAsync,
            answer => answer.Policy is { State: PolicyState.Published, Evaluating: false },
            answer => $"{answer.Policy.State}, still being applied: {answer.Policy.Evaluating}",
            ct
        );
    }

    private static async Task<string> PublishAsync(World world, Company company, CancellationToken ct)
    {
        var draft = await DraftAsync(world.Technician, company, ct);
        var preview = await world.Technician.Policies.PreviewPolicyAsync(
            new() { ClientId = company.ClientId },
            cancellationToken: ct
        );
        var before = await world.Technician.DecisionsAsync(company.ClientId, ct);
        Expect.Equal(0, before.Count, "decisions before a policy is published");

        await PublishAsync(world.Technician, draft, ct);
        var decisions = await world.Technician.DecisionsAsync(company.ClientId, ct);
        foreach (var expected in preview.Verdicts)
        {
            var seen = decisions.Count(d => d.Verdict == expected.Verdict);
            Expect.Equal(expected.People, seen, $"people decided {expected.Verdict}, as the preview said");
        }

        var verdicts = preview.Verdicts.Select(v => $"{v.People} {v.Verdict}");
        var audiences = preview.Audiences.Select(a => $"{a.Key} {a.People}");
        return $"preview on roster version {preview.RosterVersion}: {string.Join(", ", audiences)}\n"
            + $"published, and decided as previewed: {string.Join(", ", verdicts)}";
    }

    private static async Task<string> AssignAsync(World world, Company company, CancellationToken ct)
    {
        var paths = await world.Technician.Paths.ApplyDefaultPathsAsync(
            new() { ClientId = company.ClientId },
            cancellationToken: ct
        );
        var decisions = await world.Technician.DecisionsAsync(company.ClientId, ct);
        var expected = Asked(paths.Paths, decisions);
        var work = await Until.HoldsAsync(
            $"{expected.Count} open assignments",
            () => world.Technician.WorkAsync(company.ClientId, user: "", ct),
            all => all.Count >= expected.Count,
            all => $"{all.Count}",
            ct
        );
        Expect.That(
            expected.SetEquals(work.Select(a => (a.UserId, a.CourseId))) && work.Count == expected.Count,
            $"exactly one assignment for each of {expected.Count} people and courses the paths ask for",
            $"{work.Count} assignments of {work.DistinctBy(a => (a.UserId, a.CourseId)).Count()} people and courses"
        );
        Expect.That(work.TrueForAll(a => a.State == AssignmentState.Open), "all of them open", "others");
        return $"{paths.Paths.Count} paths; {work.Count} assignments for {work.DistinctBy(a => a.UserId, StringComparer.Ordinal).Count()} people, "
            + $"{work.DistinctBy(a => a.CourseId, StringComparer.Ordinal).Count()} courses, first due {work.Min(a => a.DueTime)!.ToDateTimeOffset():yyyy-MM-dd}";
    }

    /// <summary>What the paths ask of the people in scope, worked out here.</summary>
    public static HashSet<(string User, string Course)> Asked(
        IEnumerable<Api.Assignment.V1.Path> paths,
        IEnumerable<Decision> decisions
    )
    {
        var courses = paths.ToDictionary(p => p.Audience, p => p.CourseIds, StringComparer.Ordinal);
        return
        [
            .. from decision in decisions
            where decision.Verdict == Verdict.InScope
            from audience in decision.Audiences
            from course in courses[audience]
            select (decision.UserId, course),
        ];
    }

    private static async Task<string> TellAsync(World world, Company company, CancellationToken ct)
    {
        var work = await world.Technician.WorkAsync(company.ClientId, user: "", ct);
        var mails = await Until.HoldsAsync(
            $"every one of {work.Count} assignments told of in a mail that was sent",
            () => world.Technician.MailsAsync(company.ClientId, user: "", ct),
            all => all.Where(IsSent).Sum(m => m.Items.Count) >= work.Count,
            all => string.Join(", ", all.CountBy(m => m.State).Select(s => $"{s.Value} mails {s.Key}")),
            ct
        );
        var told = mails.SelectMany(m => m.Items).Select(i => i.AssignmentId).ToList();
        Expect.Equal(
            told.Count,
            told.Distinct(StringComparer.Ordinal).Count(),
            "assignments told of, none of them twice"
        );

        var received = world.Mails.Read();
        var missing = mails.Where(m => received.GetValueOrDefault(m.MessageId.Trim('<', '>')).To != m.Address).ToList();
        Expect.That(
            missing.Count == 0,
            "each in the mail server's hands",
            $"{missing.Count} of {mails.Count} not there"
        );
        return $"{mails.Count} mails to {mails.DistinctBy(m => m.UserId, StringComparer.Ordinal).Count()} people tell of {told.Count} assignments, "
            + $"none twice; all are with the mail server, such as \"{mails[0].Subject}\"";
    }

    private static async Task<string> CompleteAsync(World world, CancellationToken ct)
    {
        var lines = new List<string>();
        foreach (var (person, course) in new[] { (Leaver, "Security awareness basics"), (Renamed, "phishing") })
        {
            var user = await world.Technician.UserAsync(world.A.ClientId, world.A.Mail(person), ct);
            var work = await world.Technician.WorkAsync(world.A.ClientId, user.Id, ct);
            var open = work.First(a => a.CourseTitle.Contains(course, StringComparison.Ordinal));
            var request = new RecordProgressRequest
            {
                ClientId = world.A.ClientId,
                AssignmentId = open.Id,
                Progress = Progress.Completed,
                Score = 90,
                RequestId = $"{Guid.CreateVersion7()}",
            };
            var done = await world.Technician.Assignments.RecordProgressAsync(request, cancellationToken: ct);
            var again = await world.Technician.Assignments.RecordProgressAsync(request, cancellationToken: ct);
            Expect.Equal(AssignmentState.Completed, done.Assignment.State, $"{open.CourseTitle}");
            Expect.Equal(
                done.Assignment.Revision,
                again.Assignment.Revision,
                "the revision after the same report again"
            );
            lines.Add($"{user.DisplayName} completed \"{open.CourseTitle}\" with {done.Assignment.Score} %");
        }

        return string.Join('\n', lines);
    }

    private static bool IsSent(Delivery mail) => mail.State == DeliveryState.Sent;
}
