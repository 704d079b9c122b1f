using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Rollcall.Platform;
using Rollcall.Reporting.Data;

namespace Rollcall.Reporting.Tests;

public sealed class SnapshotTests(ReportingFixture service)
{
    [Fact]
    public async Task Snapshot_RosterChangesMeanwhile_StaysAtItsVersion()
    {
        var feed = new Feed(service, service.Clients.Add());
        await feed.RosterAsync(Feed.Noon(2), Feed.Person("Ada"));
        await using var scope = service.Services.CreateAsyncScope();
        var tenant = Tenant.Client(feed.Client.MspId, feed.Client.ClientId);
        scope.ServiceProvider.GetRequiredService<TenantContext>().Enter(tenant);
        var db = scope.ServiceProvider.GetRequiredService<ReportingDbContext>();
        await using var snapshot = await db.SnapshotAsync(CancellationToken.None);
        var before = await db.People.CountAsync(p => p.ClientId == feed.Client.ClientId);

        await feed.RosterAsync(Feed.Noon(3), Feed.Person("Bob"));

        Assert.Equal(before, await db.People.CountAsync(p => p.ClientId == feed.Client.ClientId));
    }
}
