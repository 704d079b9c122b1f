using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Assignment.V1;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Notification.V1;
using Rollcall.Testing;

namespace Rollcall.Notification.Tests;

public sealed class ReminderTests(NotificationFixture fixture)
{
    private readonly Company company = new(fixture);

    private CadenceService.CadenceServiceClient Cadences =>
        fixture.Client<CadenceService.CadenceServiceClient>(TestTokens.MspAdmin(company.Client.MspId));

    [Fact]
    public async Task Steps_AcrossClockMoves_AreToldOnceEach()
    {
        var ada = Company.Person();
        await company.RosterAsync(ada);
        await company.AssignmentsAsync(company.Assign(ada, dueIn: TimeSpan.FromDays(30)));
        await company.BecomesAsync(ada, DeliveryState.Sent);

        Assert.Equal([-7], await StepsAfterAsync(ada, TimeSpan.FromDays(23.5), 1));
        Assert.Equal([-7, -1], await StepsAfterAsync(ada, TimeSpan.FromDays(6), 2));
        Assert.Equal([-7, -1], await StepsAfterAsync(ada, TimeSpan.FromHours(1), 2));
        Assert.Equal([-7, -1, 3], await StepsAfterAsync(ada, TimeSpan.FromDays(40), 3));

        await company.QuietAsync();
        var mails = fixture.Gate.MailTo(ada.Mail);
        Assert.Equal(
            [
                "New training: Phishing basics",
                "Overdue: Phishing basics",
                "Reminder: Phishing basics",
                "Reminder: Phishing basics",
            ],
            mails.Select(m => m.Subject).Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public async Task Steps_AllPassedAtOnce_OneReminderForSeveralCourses()
    {
        var ada = Company.Person();
        await company.RosterAsync(ada);
        await company.AssignmentsAsync(
            company.Assign(ada, "Passwords", TimeSpan.FromDays(30)),
            company.Assign(ada, "Phishing", TimeSpan.FromDays(31))
        );
        await company.BecomesAsync(ada, DeliveryState.Sent);

        Assert.Equal([3, 3], await StepsAfterAsync(ada, TimeSpan.FromDays(60), 2));

        Assert.Equal(2, fixture.Gate.MailTo(ada.Mail).Count);
    }

    [Fact]
    public async Task Completed_BeforeAStep_IsNotReminded()
    {
        var ada = Company.Person();
        var assignment = company.Assign(ada, dueIn: TimeSpan.FromDays(30));
        await company.RosterAsync(ada);
        await company.AssignmentsAsync(assignment);
        await company.BecomesAsync(ada, DeliveryState.Sent);
        (assignment.State, assignment.Revision) = (AssignmentState.Completed, 2);
        await company.AssignmentsAsync(assignment);
        await company.SettledAsync();

        fixture.Clock.Advance(TimeSpan.FromDays(40));

        await Eventually.HoldsAsync(async () =>
            Assert.Null(
                await fixture.DbAsync(company.Tenant, db => db.ReminderSchedule.Select(r => r.DueAt).SingleAsync())
            )
        );
        Assert.Single(await company.DeliveriesAsync());
    }

    [Fact]
    public async Task Roster_OlderThanADay_HoldsRemindersUntilItIsFresh()
    {
        var ada = Company.Person(authority: Source.Microsoft365);
        await company.RosterAsync(ada);
        await company.HealthAsync(HealthState.Healthy);
        await company.AssignmentsAsync(company.Assign(ada, dueIn: TimeSpan.FromDays(30)));
        await company.BecomesAsync(ada, DeliveryState.Sent);

        fixture.Clock.Advance(TimeSpan.FromDays(24));
        var held = await company.BecomesAsync(ada, DeliveryState.Held);
        Assert.Contains("older than 24 hours", held.Reason, StringComparison.Ordinal);
        Assert.Single(fixture.Gate.MailTo(ada.Mail));

        await company.HealthAsync(HealthState.Healthy);
        await company.BecomesAsync(ada, DeliveryState.Sent);
        Assert.Equal(2, fixture.Gate.MailTo(ada.Mail).Count);
    }

    [Fact]
    public async Task Roster_KeptFreshWithoutEvents_IsNotHeld()
    {
        // A client that stays healthy sends no health events; only directory-sync knows of its last success.
        var ada = Company.Person(authority: Source.Microsoft365);
        await company.RosterAsync(ada);
        await company.HealthAsync(HealthState.Healthy);
        await company.AssignmentsAsync(company.Assign(ada, dueIn: TimeSpan.FromDays(30)));
        await company.BecomesAsync(ada, DeliveryState.Sent);
        fixture.Sync.Success[company.Id] = fixture.Clock.GetUtcNow().AddDays(24);

        Assert.Equal([-7], await StepsAfterAsync(ada, TimeSpan.FromDays(24), 1));

        Assert.Equal(2, fixture.Gate.MailTo(ada.Mail).Count);
    }

    [Fact]
    public async Task QuietHours_HoldAReminderUntilTheyEnd()
    {
        var ada = Company.Person();
        await Cadences.UpdateCadenceAsync(
            new()
            {
                ClientId = $"{company.Id}",
                Cadence = new()
                {
                    Steps = { -1 },
                    SendAt = "00:00",
                    QuietFrom = "00:00",
                    QuietUntil = "23:59",
                },
                UpdateMask = new() { Paths = { "steps", "send_at", "quiet_from", "quiet_until" } },
            }
        );
        fixture.Clock.Advance(TimeSpan.FromMinutes(1));
        await company.RosterAsync(ada);
        await company.AssignmentsAsync(company.Assign(ada, dueIn: TimeSpan.FromDays(10)));
        await company.BecomesAsync(ada, DeliveryState.Sent);

        fixture.Clock.Advance(TimeSpan.FromDays(10));
        Assert.Equal("Quiet hours of the client", (await company.BecomesAsync(ada, DeliveryState.Held)).Reason);
        Assert.Single(fixture.Gate.MailTo(ada.Mail));

        await Cadences.UpdateCadenceAsync(
            new()
            {
                ClientId = $"{company.Id}",
                Cadence = new(),
                UpdateMask = new() { Paths = { "quiet_from", "quiet_until" } },
            }
        );
        await Eventually.HoldsAsync(async () =>
            Assert.Equal(DeliveryState.Sent, (await company.DeliveriesAsync(ada))[0].State)
        );
    }

    [Theory]
    [InlineData("steps", "cadence.steps")]
    [InlineData("send_at", "cadence.send_at")]
    [InlineData("quiet_from", "cadence.quiet_until")]
    [InlineData("etag", "update_mask")]
    public async Task UpdateCadence_BadValue_NamesTheField(string path, string field)
    {
        var error = await Assert.ThrowsAsync<Grpc.Core.RpcException>(async () =>
            await Cadences.UpdateCadenceAsync(
                new()
                {
                    ClientId = $"{company.Id}",
                    Cadence = new()
                    {
                        Steps = { 91 },
                        SendAt = "9 o'clock",
                        QuietFrom = "19:00",
                    },
                    UpdateMask = new() { Paths = { path } },
                }
            )
        );

        Assert.Equal(field, error.Field());
    }

    [Fact]
    public async Task UpdateCadence_StaleEtag_IsRefused()
    {
        var read = (await Cadences.GetCadenceAsync(new() { ClientId = $"{company.Id}" })).Cadence;
        Assert.Equal([-7, -1, 3], read.Steps);
        var update = new UpdateCadenceRequest
        {
            ClientId = $"{company.Id}",
            Cadence = read,
            UpdateMask = new() { Paths = { "steps" } },
        };
        await Cadences.UpdateCadenceAsync(update);

        var error = await Assert.ThrowsAsync<Grpc.Core.RpcException>(async () =>
            await Cadences.UpdateCadenceAsync(update)
        );

        Assert.Equal("ETAG_MISMATCH", error.Reason());
    }

    /// <summary>The reminder steps told after the clock has moved, once there are as many as expected.</summary>
    private async Task<List<int>> StepsAfterAsync(User person, TimeSpan move, int expected)
    {
        fixture.Clock.Advance(move);
        var steps = new List<int>();
        await Eventually.HoldsAsync(async () =>
        {
            var reminders = (await company.DeliveriesAsync(person))
                .Where(d => d.Kind == DeliveryKind.Reminder)
                .ToList();
            Assert.All(reminders, d => Assert.Equal(DeliveryState.Sent, d.State));
            steps = [.. reminders.SelectMany(d => d.Items).Where(i => !i.Dropped).Select(i => i.Step).Order()];
            Assert.Equal(expected, steps.Count);
        });
        return steps;
    }
}
