using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Notification.V1;
using Rollcall.Api.Partner.V1;
using Rollcall.Platform;
using Rollcall.Testing;

namespace Rollcall.Notification.Tests;

public sealed class AccessTests(NotificationFixture fixture)
{
    private readonly Company company = new(fixture);

    [Fact]
    public async Task Deliveries_ForeignOrUnlistedClient_DoesNotExist()
    {
        var sibling = new Company(fixture, company.Client.MspId);
        string[] tokens =
        [
            TestTokens.MspAdmin(Guid.CreateVersion7()),
            TestTokens.Technician(company.Client.MspId, sibling.Id),
            TestTokens.Viewer(company.Client.MspId, sibling.Id),
        ];

        foreach (var token in tokens)
        {
            var error = await Assert.ThrowsAsync<RpcException>(async () =>
                await Deliveries(token).ListDeliveriesAsync(new() { ClientId = $"{company.Id}" })
            );
            Assert.Equal("CLIENT_NOT_FOUND", error.Reason());
        }
    }

    [Fact]
    public async Task Viewer_SeesDeliveriesOfItsClients_AndNothingElse()
    {
        var token = TestTokens.Viewer(company.Client.MspId, company.Id);

        await Deliveries(token).ListDeliveriesAsync(new() { ClientId = $"{company.Id}" });

        await RefusedAsync(async () =>
            await Deliveries(token)
                .ExplainUserAsync(new() { ClientId = $"{company.Id}", UserId = $"{Guid.CreateVersion7()}" })
        );
        await RefusedAsync(async () =>
            await fixture.Client<AlertService.AlertServiceClient>(token).ListAlertsAsync(new())
        );
        await RefusedAsync(async () =>
            await fixture.Client<BrandService.BrandServiceClient>(token).GetBrandAsync(new())
        );
        await RefusedAsync(async () =>
            await fixture
                .Client<CadenceService.CadenceServiceClient>(token)
                .GetCadenceAsync(new() { ClientId = $"{company.Id}" })
        );
    }

    [Fact]
    public async Task Technician_CannotChangeTheBrand() =>
        await RefusedAsync(async () =>
            await fixture
                .Client<BrandService.BrandServiceClient>(TestTokens.Technician(company.Client.MspId, company.Id))
                .UpdateBrandAsync(new())
        );

    [Fact]
    public async Task Tickets_WithoutTheScope_AreRefused()
    {
        foreach (
            var token in new[]
            {
                TestTokens.Partner(company.Client.MspId, "roster.read"),
                TestTokens.MspAdmin(company.Client.MspId),
            }
        )
        {
            using var call = fixture.Client<TicketService.TicketServiceClient>(token).WatchTickets(new());
            await RefusedAsync(async () => await call.ResponseStream.MoveNext(CancellationToken.None));
        }
    }

    [Fact]
    public async Task Alerts_OfClientsOutsideTheList_AreNeitherListedNorFound()
    {
        var other = new Company(fixture, company.Client.MspId);
        await other.HealthAsync(HealthState.ConsentRemoved);
        await other.SettledAsync();
        var hidden = Assert.Single(await other.AlertsAsync());
        var technician = fixture.Client<AlertService.AlertServiceClient>(
            TestTokens.Technician(company.Client.MspId, company.Id)
        );
        var platform = fixture.Client<AlertService.AlertServiceClient>(TestTokens.PlatformAdmin());

        Assert.Empty((await technician.ListAlertsAsync(new())).Alerts);
        foreach (var client in new[] { technician, platform })
        {
            var error = await Assert.ThrowsAsync<RpcException>(async () =>
                await client.GetAlertAsync(new() { AlertId = hidden.Id })
            );
            Assert.Equal("ALERT_NOT_FOUND", error.Reason());
        }
    }

    /// <summary>The backstop: even a query that forgets its predicate sees no other client's rows.</summary>
    [Fact]
    public async Task Rows_OfAnotherClient_AreInvisibleToAnyQuery()
    {
        var ada = Company.Person();
        await company.RosterAsync(ada);
        await company.AssignmentsAsync(company.Assign(ada, dueIn: TimeSpan.FromDays(30)));
        await company.BecomesAsync(ada, DeliveryState.Sent);
        await company.HealthAsync(HealthState.ConsentRemoved);
        await company.SettledAsync();

        Assert.All(await CountsAsync(company.Tenant), count => Assert.NotEqual(0, count));
        var sibling = Tenant.Client(company.Client.MspId, Guid.CreateVersion7());
        Assert.All(await CountsAsync(sibling), count => Assert.Equal(0, count));
    }

    private Task<int[]> CountsAsync(Tenant tenant) =>
        fixture.DbAsync(
            tenant,
            async db =>
                new[]
                {
                    await db.Deliveries.CountAsync(),
                    await db.Items.CountAsync(),
                    await db.Tasks.CountAsync(),
                    await db.Health.CountAsync(),
                    await db.Alerts.CountAsync(),
                    await db.TicketLog.CountAsync(),
                    await db.ReminderSchedule.CountAsync(),
                }
        );

    private DeliveryService.DeliveryServiceClient Deliveries(string token) =>
        fixture.Client<DeliveryService.DeliveryServiceClient>(token);

    private static async Task RefusedAsync(Func<Task> call) =>
        Assert.Equal("ROLE_NOT_ALLOWED", (await Assert.ThrowsAsync<RpcException>(call)).Reason());
}
