using Microsoft.Extensions.DependencyInjection;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Notification.V1;
using Rollcall.Api.Ops.V1;
using Rollcall.Notification.Alerts;
using Rollcall.Notification.Mail;
using Rollcall.Testing;

namespace Rollcall.Notification.Tests;

public sealed class AlertTests(NotificationFixture fixture)
{
    private readonly Company company = new(fixture);

    private AlertService.AlertServiceClient Platform =>
        fixture.Client<AlertService.AlertServiceClient>(TestTokens.PlatformAdmin());

    [Fact]
    public async Task Alert_ConsentRemoved_OpensOnceAndResolvesWithHealth()
    {
        await company.HealthAsync(HealthState.Healthy);
        for (var i = 0; i < 3; i++)
        {
            await company.HealthAsync(HealthState.ConsentRemoved, h => h.ConsecutiveFailures = i);
            await company.SettledAsync();
        }

        var alert = Assert.Single(await company.AlertsAsync());
        Assert.Equal(AlertState.Open, alert.State);
        Assert.Equal(3, alert.Occurrences);
        Assert.Equal($"{company.Id}:CONSENT_REMOVED", alert.DedupeKey);
        Assert.Equal(FixOwner.Client, alert.Owner);
        Assert.Equal("Grant consent again", alert.Remedy);

        await company.HealthAsync(HealthState.Healthy);
        await Eventually.HoldsAsync(async () =>
        {
            var resolved = Assert.Single(await company.AlertsAsync());
            Assert.Equal(AlertState.Resolved, resolved.State);
            Assert.Equal("Sync is healthy again", resolved.Resolution);
        });
    }

    [Fact]
    public async Task Alert_OlderHealthArrivesLate_IsIgnored()
    {
        await company.HealthAsync(HealthState.Healthy, revision: 5);
        await company.SettledAsync();

        await company.HealthAsync(HealthState.Failing, revision: 4);

        await company.SettledAsync();
        Assert.Empty(await company.AlertsAsync());
    }

    [Fact]
    public async Task Alert_FailingThenQuarantined_IsOneThatGotWorse()
    {
        await company.HealthAsync(HealthState.Failing);
        await company.SettledAsync();
        var alert = Assert.Single(await company.AlertsAsync());
        await company.Alerts.AcknowledgeAlertAsync(new() { AlertId = alert.Id });

        await company.HealthAsync(HealthState.Quarantined);

        await Eventually.HoldsAsync(async () =>
        {
            var worse = Assert.Single(await company.AlertsAsync());
            Assert.Equal((alert.Id, Severity.High, AlertState.Open), (worse.Id, worse.Severity, worse.State));
        });
    }

    [Fact]
    public async Task Alert_ConditionChanges_TheOldOneIsResolvedAndTheNewOneOpen()
    {
        await company.HealthAsync(HealthState.Failing);
        await company.SettledAsync();

        await company.HealthAsync(HealthState.ConsentRemoved);

        await Eventually.HoldsAsync(async () =>
            Assert.Equal(
                [("CONSENT_REMOVED", AlertState.Open), ("SYNC_FAILING", AlertState.Resolved)],
                (await company.AlertsAsync()).Select(a => (a.Condition, a.State))
            )
        );
    }

    [Fact]
    public async Task Alert_BackWithinADay_IsTheSameAlert()
    {
        await company.HealthAsync(HealthState.Failing);
        await company.SettledAsync();
        await company.HealthAsync(HealthState.Healthy);
        await company.SettledAsync();

        await company.HealthAsync(HealthState.Failing);

        await Eventually.HoldsAsync(async () =>
        {
            var alert = Assert.Single(await company.AlertsAsync());
            Assert.Equal((AlertState.Open, 2, ""), (alert.State, alert.Occurrences, alert.Resolution));
        });
    }

    [Fact]
    public async Task AwaitingConsent_NewClient_IsNoAlert()
    {
        await company.HealthAsync(HealthState.AwaitingConsent, h => h.LastSuccessTime = null);

        await company.SettledAsync();
        Assert.Empty(await company.AlertsAsync());
    }

    [Fact]
    public async Task CredentialBad_ManyClients_IsOnePlatformAlertUntilTheLastIsWell()
    {
        var second = new Company(fixture);
        await company.HealthAsync(HealthState.CredentialBad, h => h.ErrorCode = "AADSTS700027");
        await second.HealthAsync(HealthState.CredentialBad, h => h.ErrorCode = "AADSTS700027");
        await Eventually.HoldsAsync(async () =>
        {
            var alert = Assert.Single(await PlatformAlertsAsync("CREDENTIAL_BAD", AlertState.Open));
            Assert.Equal((2, FixOwner.Platform, "AADSTS700027"), (alert.Affected, alert.Owner, alert.ErrorCode));
        });
        Assert.Empty(await company.AlertsAsync());

        // Marked, not closed: clients still meet it.
        var open = Assert.Single(await PlatformAlertsAsync("CREDENTIAL_BAD", AlertState.Open));
        await Platform.AcknowledgeAlertAsync(new() { AlertId = open.Id });
        Assert.Single(await PlatformAlertsAsync("CREDENTIAL_BAD", AlertState.Acknowledged));

        await company.HealthAsync(HealthState.Healthy);
        await company.SettledAsync();
        Assert.Single(await PlatformAlertsAsync("CREDENTIAL_BAD", AlertState.Acknowledged));
        await second.HealthAsync(HealthState.Healthy);
        await Eventually.HoldsAsync(async () =>
            Assert.Contains(await PlatformAlertsAsync("CREDENTIAL_BAD", AlertState.Resolved), a => a.Id == open.Id)
        );
    }

    [Fact]
    public async Task DatabaseDown_ManyClients_IsOnePlatformAlertUntilTheLastIsWell()
    {
        var second = new Company(fixture);
        await company.HealthAsync(HealthState.Failing, h => Ours(h, "DATABASE_UNAVAILABLE"));
        await company.SettledAsync();
        await second.HealthAsync(HealthState.Failing, h => Ours(h, "DATABASE_FULL"));
        await second.SettledAsync();
        var open = Assert.Single(await PlatformAlertsAsync("DATABASE_DOWN", AlertState.Open));
        Assert.Equal((2, FixOwner.Platform, "DATABASE_FULL"), (open.Affected, open.Owner, open.ErrorCode));
        Assert.Empty(await company.AlertsAsync());
        Assert.Empty(await second.AlertsAsync());

        await company.HealthAsync(HealthState.Healthy);
        await company.SettledAsync();
        open = Assert.Single(await PlatformAlertsAsync("DATABASE_DOWN", AlertState.Open));
        Assert.Equal(1, open.Affected);

        // Read again, but not well yet: the database is no longer what troubles it.
        await second.HealthAsync(HealthState.CredentialBad);
        await second.SettledAsync();
        Assert.Empty(await PlatformAlertsAsync("DATABASE_DOWN", AlertState.Open));
        Assert.Contains(await PlatformAlertsAsync("DATABASE_DOWN", AlertState.Resolved), a => a.Id == open.Id);
        await second.HealthAsync(HealthState.Healthy);
        await second.SettledAsync();
    }

    [Theory]
    [InlineData(HealthState.CredentialBad, "AADSTS700027")]
    [InlineData(HealthState.Failing, "DATABASE_FULL")]
    public async Task OurOwnTrouble_ClientsOwnTrouble_StaysOpen(HealthState state, string code)
    {
        await company.HealthAsync(HealthState.ConsentRemoved);
        await company.SettledAsync();

        await company.HealthAsync(state, h => Ours(h, code));
        await company.SettledAsync();

        var alert = Assert.Single(await company.AlertsAsync());
        Assert.Equal(("CONSENT_REMOVED", AlertState.Open), (alert.Condition, alert.State));
        await company.HealthAsync(HealthState.Healthy);
        await company.SettledAsync();
    }

    [Fact]
    public async Task AlarmRaised_SameQueueAgain_IsOnePlatformAlertWithoutTenantData()
    {
        var queue = $"assignment-scope-changed-{Guid.CreateVersion7():N}";
        for (var i = 0; i < 3; i++)
        {
            await company.PublishAsync(
                new AlarmRaised
                {
                    MspId = $"{company.Client.MspId}",
                    ClientId = $"{company.Id}",
                    Service = "assignment",
                    Kind = AlarmKind.PoisonMessage,
                    Subject = queue,
                    Error = "InvalidOperationException",
                    MessageId = $"{Guid.CreateVersion7()}",
                }
            );
        }

        Alert? alert = null;
        await Eventually.HoldsAsync(async () =>
        {
            var all = await Platform.ListAlertsAsync(new() { PageSize = 500 });
            alert = Assert.Single(all.Alerts, a => a.DedupeKey.EndsWith(queue, StringComparison.Ordinal));
            Assert.Equal(3, alert.Occurrences);
        });
        Assert.DoesNotContain($"{company.Id}", alert!.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain($"{company.Client.MspId}", alert.ToString(), StringComparison.Ordinal);

        var closed = await Platform.AcknowledgeAlertAsync(new() { AlertId = alert.Id });
        Assert.Equal(AlertState.Resolved, closed.Alert.State);
    }

    [Fact]
    public async Task MailServerDown_Raised_IsResolvedByTheNextMail()
    {
        // As a process that died during the outage leaves it.
        await fixture.DbAsync(
            PlatformAlertBook.Nobody,
            async db =>
            {
                await new PlatformAlertBook(db, fixture.Clock).RaiseAsync(
                    PlatformTrouble.MailServerDown,
                    Guid.Empty,
                    CancellationToken.None
                );
                return true;
            }
        );
        var watch = new MailServerWatch(fixture.Services.GetRequiredService<IServiceScopeFactory>());

        await watch.UpAsync(CancellationToken.None);

        var all = await Platform.ListAlertsAsync(new() { PageSize = 500 });
        var alert = Assert.Single(all.Alerts, a => a.Condition == "MAIL_SERVER_DOWN");
        Assert.Equal(AlertState.Resolved, alert.State);
    }

    [Fact]
    public async Task AcknowledgeAlert_Resolved_IsRefused()
    {
        await company.HealthAsync(HealthState.Failing);
        await company.SettledAsync();
        await company.HealthAsync(HealthState.Healthy);
        await company.SettledAsync();
        var alert = Assert.Single(await company.AlertsAsync());

        var error = await Assert.ThrowsAsync<Grpc.Core.RpcException>(async () =>
            await company.Alerts.AcknowledgeAlertAsync(new() { AlertId = alert.Id })
        );

        Assert.Equal("ALERT_RESOLVED", error.Reason());
    }

    private static void Ours(SyncHealth health, string code) =>
        (health.Owner, health.ErrorCode) = (FixOwner.Platform, code);

    private async Task<List<Alert>> PlatformAlertsAsync(string condition, AlertState state) =>
        [
            .. (await Platform.ListAlertsAsync(new() { State = state, PageSize = 500 })).Alerts.Where(a =>
                a.Condition == condition
            ),
        ];
}
