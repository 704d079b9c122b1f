using Rollcall.Api.Notification.V1;

namespace Rollcall.Local;

/// <summary>Two weeks later: courses with 14 days' time are overdue, and those who owe them are reminded.</summary>
public static class Reminders
{
    public static async Task RunAsync(Story story, World world, CancellationToken ct)
    {
        story.Chapter("Reminders", "notification", "directory-sync");
        await story.StepAsync("two weeks later", () => WaitAsync(world, ct));
        foreach (var company in world.Both)
        {
            await story.StepAsync($"reminders to {company.Name}", () => RemindAsync(world, company, ct));
        }
    }

    private static async Task<string> WaitAsync(World world, CancellationToken ct)
    {
        foreach (var company in world.Both)
        {
            var cadence = await world.Technician.Cadences.UpdateCadenceAsync(
                new()
                {
                    ClientId = company.ClientId,
                    Cadence = new() { SendAt = "00:00", Steps = { -1, 1 } },
                    UpdateMask = new() { Paths = { "send_at", "steps" } },
                },
                cancellationToken: ct
            );
            Expect.Equal("00:00", cadence.Cadence.SendAt, "the hour reminders go out");
        }

        await world.MoveClockAsync(days: 16, ct);
        foreach (var company in world.Both)
        {
            // A roster older than a day may name people who have left: nobody is reminded by it.
            await world.Technician.SyncAsync(company, ct);
        }

        return "reminders go out the day before and the day after the due day; the platform's clock is 16 days on";
    }

    private static async Task<string> RemindAsync(World world, Company company, CancellationToken ct)
    {
        var overdue = await world.Technician.Reports.ListOverdueAsync(
            new() { ClientId = company.ClientId, PageSize = 500 },
            cancellationToken: ct
        );
        var people = overdue.Assignments.Select(a => a.UserId).ToHashSet(StringComparer.Ordinal);
        Expect.That(people.Count > 0, "people with overdue courses", "none");
        var mails = await Until.HoldsAsync(
            $"a reminder to each of the {people.Count} people with overdue courses, and to nobody else",
            () => world.Technician.MailsAsync(company.ClientId, user: "", ct, DeliveryKind.Reminder),
            all => people.SetEquals(all.Where(m => m.State == DeliveryState.Sent).Select(m => m.UserId)),
            all =>
                string.Join(
                    "; ",
                    all.CountBy(m => (m.State, m.Reason)).Select(s => $"{s.Value} {s.Key.State} {s.Key.Reason}")
                ),
            ct
        );
        var received = world.Mails.Read();
        var missing = mails.Count(m => !received.ContainsKey(m.MessageId.Trim('<', '>')));
        Expect.Equal(0, missing, "reminders the mail server has not got");
        return $"{overdue.Assignments.Count} overdue courses of {people.Count} people; {mails.Count} reminders are with the "
            + $"mail server, such as \"{mails[0].Subject}\"";
    }
}
