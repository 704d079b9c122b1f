using Microsoft.EntityFrameworkCore;
using Npgsql;
using Rollcall.DirectorySync.Sync;

namespace Rollcall.DirectorySync.Tests;

public sealed class PublisherTests(DirectoryFixture service)
{
    [Fact]
    public async Task Publish_OtherPartsThanAnnounced_CommitsNothing()
    {
        var client = await service.ConnectedAsync();
        await client.AddPeopleAsync(2);
        await client.SyncedAsync();
        var version = await client.RosterVersionAsync();

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => PublishAsync(client, version + 1, 501));

        Assert.Contains("1 parts, not to 2", error.Message, StringComparison.Ordinal);
        Assert.Equal(version, await client.RosterVersionAsync());
    }

    private Task<long> PublishAsync(TestClient client, long version, int everybody) =>
        client.DbAsync(async db =>
        {
            var msp = await db.Clients.Select(c => c.MspId).SingleAsync();
            var lease = SyncLease.Decision(msp, Guid.Parse(client.Id));
            var connection = (NpgsqlConnection)db.Database.GetDbConnection();
            var now = service.Clock.GetUtcNow();
            await new RosterWriter(connection, lease, Guid.CreateVersion7(), now).BeginAsync(default);
            return await new RosterPublisher(db).PublishAsync(connection, lease, version, now, everybody, default);
        });
}
