using Grpc.Core;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Notification.V1;
using Rollcall.Api.Partner.V1;

namespace Rollcall.Local;

/// <summary>Client B takes its consent back: what is said of it, to whom, and what stays as it was.</summary>
public static class Revocation
{
    private const string Condition = "CONSENT_REMOVED";

    public static async Task RunAsync(Story story, World world, CancellationToken ct)
    {
        story.Chapter("Consent revoked", "directory-sync", "notification");
        var people = await world.Technician.UsersAsync(world.B.ClientId, ct);
        await story.StepAsync($"{world.B.Name} removes the app", () => RevokeAsync(world, ct));
        await story.StepAsync("its health says so", () => HealthAsync(world, ct));
        await story.StepAsync("an alert and a ticket exist", () => TicketAsync(world, ct));
        await story.StepAsync($"nobody of {world.B.Name} was removed", () => KeptAsync(world, people, ct));
        await story.StepAsync($"{world.A.Name} goes on", () => GoOnAsync(world, ct));
        await story.StepAsync("a new consent mends it", () => MendAsync(world, ct));
    }

    private static async Task<string> RevokeAsync(World world, CancellationToken ct)
    {
        await world.Emulator.RevokeConsentAsync(world.B.Directory, ct);
        var run = await world.Technician.RunSyncAsync(world.B, ct);
        Expect.Equal(SyncRunState.Failed, run.State, "the next sync");
        return $"the next sync: {run.State} {run.ErrorCode}, \"{run.Problem}\"";
    }

    private static async Task<string> HealthAsync(World world, CancellationToken ct)
    {
        var answer = await world.Technician.Syncs.GetSyncHealthAsync(
            new() { ClientId = world.B.ClientId },
            cancellationToken: ct
        );
        var health = answer.Health;
        Expect.Equal(HealthState.ConsentRemoved, health.State, "the health");
        Expect.Equal(FixOwner.Client, health.Owner, "who must act");
        Expect.That(
            health.SinceTime is not null && health.Problem.Length > 0 && health.Remedy.Length > 0,
            "since when, what failed and what to do",
            $"{health}"
        );
        return $"{health.State} {health.ErrorCode} since {health.SinceTime!.ToDateTimeOffset():u}: {health.Problem}\n"
            + $"{health.Owner} must act: {health.Remedy}";
    }

    private static async Task<string> TicketAsync(World world, CancellationToken ct)
    {
        var alert = await Until.HoldsAsync(
            $"an open alert {Condition}",
            () => AlertAsync(world, ct),
            found => found?.State == AlertState.Open,
            found => $"{found}",
            ct
        );

        var (sequence, ticket) = await AwaitTicketAsync(world, TicketState.Open, ct);
        await world.ServiceDesk.Tickets.AcknowledgeTicketAsync(
            new()
            {
                ClientId = world.B.ClientId,
                TicketId = ticket.Id,
                Sequence = sequence,
                ExternalTicketId = "T-4711",
            },
            cancellationToken: ct
        );
        alert = await AlertAsync(world, ct);
        Expect.Equal("T-4711", alert?.ExternalTicketId, "the service desk's ticket on the alert");
        return $"alert {alert!.Condition} {alert.Severity}: {alert.Summary}\n"
            + $"ticket {sequence} for {ticket.ClientDisplayName}, acknowledged as {alert.ExternalTicketId}: "
            + ticket.Body.ReplaceLineEndings("; ");
    }

    private static async Task<Alert?> AlertAsync(World world, CancellationToken ct)
    {
        var list = await world.Technician.Alerts.ListAlertsAsync(
            new() { ClientId = world.B.ClientId },
            cancellationToken: ct
        );
        return list.Alerts.FirstOrDefault(a => a.Condition == Condition);
    }

    /// <summary>What the service desk's program does all day, until it sees the ticket.</summary>
    private static async Task<(long Sequence, Ticket Ticket)> AwaitTicketAsync(
        World world,
        TicketState state,
        CancellationToken ct
    )
    {
        var deadline = TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(60);
        using var watch = world.ServiceDesk.Tickets.WatchTickets(new(), deadline: deadline, cancellationToken: ct);
        await foreach (var answer in watch.ResponseStream.ReadAllAsync(ct))
        {
            if (
                answer.Event?.Ticket is { } ticket
                && ticket.ClientId == world.B.ClientId
                && ticket.Condition == Condition
                && ticket.State == state
            )
            {
                return (answer.Event.Sequence, ticket);
            }
        }

        throw new ExpectationFailedException($"a ticket {Condition} {state}", "the end of the stream");
    }

    private static async Task<string> KeptAsync(World world, List<User> before, CancellationToken ct)
    {
        var after = await world.Technician.UsersAsync(world.B.ClientId, ct);
        Expect.That(
            before.SequenceEqual(after),
            $"{before.Count} users as they were",
            $"{after.Count} users, {after.Count(u => u.State == UserState.Active)} active"
        );
        var connection = await world.Technician.Connections.GetConnectionAsync(
            new() { ClientId = world.B.ClientId },
            cancellationToken: ct
        );
        Expect.Equal(ConnectionState.Broken, connection.Connection.State, "the connection");
        return $"{after.Count} users, none of them changed; the connection is {connection.Connection.State}";
    }

    private static async Task<string> GoOnAsync(World world, CancellationToken ct)
    {
        var mail = world.A.Mail("paula.reyes");
        await world.Emulator.ChangeUserAsync(world.A.Directory, mail, new { jobTitle = "Head of Logistics" }, ct);
        var run = await world.Technician.SyncAsync(world.A, ct);
        var user = await world.Technician.UserAsync(world.A.ClientId, mail, ct);
        Expect.Equal("Head of Logistics", user.JobTitle, $"{user.DisplayName}'s job title");
        return $"{run.Figures()}; {user.DisplayName} is {user.JobTitle} now";
    }

    private static async Task<string> MendAsync(World world, CancellationToken ct)
    {
        await Onboarding.ConsentAsync(world, world.B, ct);
        var run = await world.Technician.SyncAsync(world.B, ct);
        var health = await world.Technician.Syncs.GetSyncHealthAsync(
            new() { ClientId = world.B.ClientId },
            cancellationToken: ct
        );
        Expect.That(
            health.Health.State is HealthState.Healthy or HealthState.Degraded,
            "a health that says nothing of consent any more",
            $"{health.Health}"
        );
        var (_, ticket) = await AwaitTicketAsync(world, TicketState.Resolved, ct);
        return $"sync {run.State}, health {health.Health.State}; ticket {ticket.State}: {ticket.Body.Split('\n')[0]}";
    }
}
