using Rollcall.Api.Assignment.V1;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Notification.V1;

namespace Rollcall.Local;

/// <summary>People start, move, leave and marry, groups are nested: what the next syncs make of it.</summary>
public static class DirectoryChanges
{
    private const string Starter = "robin.vale";
    private const string Mover = "leah.simmons";
    private const string Nested = "owen.griffiths";
    private const string NewName = "chloe.marsh";
    private const string FinanceCourse = "payment fraud";

    public static async Task RunAsync(Story story, World world, CancellationToken ct)
    {
        story.Chapter("Changes in the directory", "directory-sync", "scope-rules", "assignment", "notification");
        var (leaver, renamed) = await BeforeAsync(world, ct);
        await story.StepAsync("the directories change", () => ChangeAsync(world, ct));
        await story.StepAsync("next sync", () => SyncAsync(world, ct));
        await story.StepAsync("the starters are assigned and told", () => StarterAsync(world, ct));
        await story.StepAsync("the mover has the finance course", () => MoverAsync(world, Mover, ct));
        await story.StepAsync("so has a member of a nested group", () => MoverAsync(world, Nested, ct));
        await story.StepAsync("the renamed person is the same learner", () => RenamedAsync(world, renamed, ct));
        await story.StepAsync("the disabled leaver is paused", () => PausedAsync(world, leaver, ct));
        await story.StepAsync("the deleted leaver's open work goes", () => LeaverAsync(world, leaver, ct));
    }

    private static async Task<(User Leaver, User Renamed)> BeforeAsync(World world, CancellationToken ct) =>
        (
            await world.Technician.UserAsync(world.A.ClientId, world.A.Mail(Training.Leaver), ct),
            await world.Technician.UserAsync(world.A.ClientId, world.A.Mail(Training.Renamed), ct)
        );

    private static async Task<string> ChangeAsync(World world, CancellationToken ct)
    {
        var (a, emulator) = (world.A, world.Emulator);
        foreach (var company in world.Both)
        {
            await world.Technician.LookAsync(company, ct);
            await emulator.AddUserAsync(company.Directory, NewPerson(company), ct);
        }

        await emulator.ChangeUserAsync(
            a.Directory,
            a.Mail(Mover),
            new { department = "Finance", jobTitle = "Accounts Payable Clerk" },
            ct
        );
        await emulator.ChangeUserAsync(
            a.Directory,
            a.Mail(Training.Renamed),
            new
            {
                displayName = "Chloe Marsh",
                surname = "Marsh",
                userPrincipalName = a.Mail(NewName),
                mail = a.Mail(NewName),
            },
            ct
        );
        await emulator.DisableUserAsync(a.Directory, a.Mail(Training.Leaver), ct);
        await emulator.AddGroupAsync(a.Directory, "Payroll", [], ct);
        await emulator.AddGroupAsync(a.Directory, "Payroll helpers", [a.Mail(Nested)], ct);
        await emulator.NestGroupAsync(a.Directory, "Payroll", "Payroll helpers", ct);
        return $"{Starter} starts at both, {Mover} moves to finance, {Training.Leaver} is disabled,\n"
            + $"{Training.Renamed} becomes {NewName}, group \"Payroll helpers\" (with {Nested}) goes into \"Payroll\"";
    }

    private static object NewPerson(Company company) =>
        new
        {
            displayName = "Robin Vale",
            userPrincipalName = company.Mail(Starter),
            department = "Operations",
            jobTitle = "Office Administrator",
            employeeType = "Employee",
        };

    private static async Task<string> SyncAsync(World world, CancellationToken ct)
    {
        var (a, b) = (await world.Technician.SyncAsync(world.A, ct), await world.Technician.SyncAsync(world.B, ct));
        Expect.Equal((1, 0, 0), (a.Added, a.Removed, a.Staged), "added, removed and staged at A");
        Expect.Equal((1, 0, 0), (b.Added, b.Removed, b.Staged), "added, removed and staged at B");
        return $"{world.A.Name}: {a.Figures()}\n{world.B.Name}: {b.Figures()}";
    }

    private static async Task<string> StarterAsync(World world, CancellationToken ct)
    {
        var lines = new List<string>();
        foreach (var company in world.Both)
        {
            var user = await world.Technician.UserAsync(company.ClientId, company.Mail(Starter), ct);
            var work = await OpenAsync(world, company, user, count: 3, ct);
            var mails = await Until.HoldsAsync(
                $"a mail to {user.DisplayName}",
                () => world.Technician.MailsAsync(company.ClientId, user.Id, ct),
                all => all.Exists(m => m.State == DeliveryState.Sent),
                all => string.Join(", ", all.Select(m => $"{m.State} {m.Reason}")),
                ct
            );
            lines.Add($"{company.Name}: {work.Count} courses, mail \"{mails[0].Subject}\" to {mails[0].Address}");
        }

        return string.Join('\n', lines);
    }

    private static async Task<string> MoverAsync(World world, string person, CancellationToken ct)
    {
        var user = await world.Technician.UserAsync(world.A.ClientId, world.A.Mail(person), ct);
        var work = await OpenAsync(world, world.A, user, count: 4, ct);
        var course = work.Find(a => a.CourseTitle.Contains(FinanceCourse, StringComparison.Ordinal));
        Expect.That(course is not null, "the finance course", string.Join(", ", work.Select(a => a.CourseTitle)));
        Expect.Equal("finance", string.Join(' ', course!.Causes), "why it is asked for");
        var why = await world.Technician.Scope.ExplainUserAsync(
            new() { ClientId = world.A.ClientId, UserId = user.Id },
            cancellationToken: ct
        );
        return $"{user.DisplayName}: \"{course.CourseTitle}\" besides the {work.Count - 1} courses of before\n"
            + why.Audiences.Single(a => a.Key == "finance").Finding;
    }

    private static async Task<string> RenamedAsync(World world, User before, CancellationToken ct)
    {
        var user = await world.Technician.UserAsync(world.A.ClientId, world.A.Mail(NewName), ct);
        Expect.Equal((before.Id, before.ExternalId), (user.Id, user.ExternalId), "Rollcall's and Microsoft's id");
        var work = await world.Technician.WorkAsync(world.A.ClientId, user.Id, ct);
        Expect.Equal(1, work.Count(a => a.State == AssignmentState.Completed), "courses still completed");
        Expect.Equal(
            work.Count,
            work.DistinctBy(a => a.CourseId, StringComparer.Ordinal).Count(),
            "assignments, none of them anew"
        );
        var mails = await world.Technician.MailsAsync(world.A.ClientId, user.Id, ct);
        Expect.Equal(work.Count, mails.Sum(m => m.Items.Count), "assignments told of, none of them again");
        return $"{before.DisplayName} is {user.DisplayName} now, id {user.Id} as before: 1 course completed, "
            + $"{work.Count - 1} open, none anew";
    }

    private static async Task<string> PausedAsync(World world, User leaver, CancellationToken ct)
    {
        var work = await Until.HoldsAsync(
            $"the open work of {leaver.DisplayName} to pause",
            () => world.Technician.WorkAsync(world.A.ClientId, leaver.Id, ct),
            all => all.TrueForAll(a => a.State is AssignmentState.Completed or AssignmentState.Paused),
            States,
            ct
        );
        return $"{leaver.DisplayName}: {States(work)}";
    }

    private static async Task<string> LeaverAsync(World world, User leaver, CancellationToken ct)
    {
        await world.Emulator.DeleteUserAsync(world.A.Directory, world.A.Mail(Training.Leaver), ct);
        var run = await world.Technician.SyncAsync(world.A, ct);
        var user = await world.Technician.UserAsync(world.A.ClientId, leaver.Mail, ct);
        Expect.Equal(
            (UserState.Removed, 1, 0),
            (user.State, run.Removed, run.Staged),
            "the leaver, removed and staged"
        );
        var work = await Until.HoldsAsync(
            $"the open work of {leaver.DisplayName} to be withdrawn",
            () => world.Technician.WorkAsync(world.A.ClientId, leaver.Id, ct),
            all => all.TrueForAll(a => a.State is AssignmentState.Completed or AssignmentState.Withdrawn),
            States,
            ct
        );
        Expect.Equal(1, work.Count(a => a.State == AssignmentState.Completed), "completed courses on record");
        var why = work.First(a => a.State == AssignmentState.Withdrawn).Reason;
        return $"{run.Figures()}\n{leaver.DisplayName}: {States(work)}; \"{why}\"";
    }

    private static Task<List<Assignment>> OpenAsync(
        World world,
        Company company,
        User user,
        int count,
        CancellationToken ct
    ) =>
        Until.HoldsAsync(
            $"{count} open assignments of {user.DisplayName} at {company.Name}",
            () => world.Technician.WorkAsync(company.ClientId, user.Id, ct),
            all => all.Count(a => a.State == AssignmentState.Open) == count,
            States,
            ct
        );

    private static string States(List<Assignment> work) =>
        string.Join(", ", work.CountBy(a => a.State).Select(s => $"{s.Value} {s.Key}"));
}
