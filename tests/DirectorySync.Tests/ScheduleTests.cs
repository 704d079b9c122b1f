using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Sync;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Tests;

public sealed class ScheduleTests(DirectoryFixture service)
{
    private NpgsqlDataSource Database => service.Services.GetRequiredService<WorkerDatabase>().Source;

    [Fact]
    public async Task UpdateSchedule_Shorter_HoldsAndComesSooner()
    {
        var client = await service.ConnectedAsync();
        var before = await client.DbAsync(db => db.ClientSyncs.AsNoTracking().SingleAsync());
        Assert.Equal(TimeSpan.FromMinutes(5), before.Every);

        await client.Connections.UpdateScheduleAsync(Request(client, TimeSpan.FromMinutes(1)));

        var connection = (await client.Connections.GetConnectionAsync(new() { ClientId = client.Id })).Connection;
        Assert.Equal(TimeSpan.FromMinutes(1), connection.PollInterval.ToTimeSpan());
        var after = await client.DbAsync(db => db.ClientSyncs.AsNoTracking().SingleAsync());
        Assert.True(after.NextAt < before.NextAt);
    }

    [Theory]
    [InlineData(59)]
    [InlineData(43_201)]
    [InlineData(-60)]
    public async Task UpdateSchedule_OutOfRange_IsRefused(int seconds)
    {
        var client = await service.ConnectedAsync();

        var error = await Assert.ThrowsAsync<RpcException>(async () =>
            await client.Connections.UpdateScheduleAsync(Request(client, TimeSpan.FromSeconds(seconds)))
        );

        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
    }

    [Fact]
    public async Task UpdateSchedule_NeverConnected_SaysSo()
    {
        var client = await service.ClientAsync();

        var error = await Assert.ThrowsAsync<RpcException>(async () =>
            await client.Connections.UpdateScheduleAsync(Request(client, TimeSpan.FromMinutes(5)))
        );

        Assert.Equal("CONNECTION_MISSING", TestClient.ReasonOf(error));
    }

    /// <summary>After an outage everybody is due: who has waited longest comes first, and the next time they come spread out.</summary>
    [Fact]
    public async Task Catchup_AfterAnHourDown_OldestFirstAndThenApart()
    {
        const int Fleet = 300;
        var leases = service.Services.GetRequiredService<Leases>();
        var msp = Guid.CreateVersion7();

        // A count of failures that no lane takes keeps the running scheduler away from them.
        var due = await FleetAsync(msp, Fleet);
        var claimed = new List<SyncLease>();
        while (claimed.Count < Fleet)
        {
            claimed.AddRange(await leases.ClaimAsync($"msp_id = '{msp}'", 50, default));
        }

        Assert.Equal(due.Take(50).ToHashSet(), claimed.Take(50).Select(l => l.ClientId).ToHashSet());
        await leases.CompleteAsync(
            claimed.ConvertAll(l => new RoundEnd(l, "users", "groups")),
            TimeProvider.System.GetUtcNow(),
            default
        );
        await using var command = Database.CreateCommand(
            """
            with gone as (delete from client_sync where msp_id = $1 returning next_at)
            select min(next_at) - now(), max(next_at) - now(), max(next_at) - min(next_at) from gone
            """
        );
        command.Parameters.Add(new() { Value = msp });
        await using var reader = await command.ExecuteReaderAsync();
        await reader.ReadAsync();
        Assert.InRange((TimeSpan)reader[0], TimeSpan.FromMinutes(4.4), TimeSpan.FromMinutes(5));
        Assert.InRange((TimeSpan)reader[1], TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(5.5));
        Assert.True((TimeSpan)reader[2] > TimeSpan.FromSeconds(45));
    }

    /// <summary>Clients that became due one after the other in the last hour; the longest overdue first.</summary>
    private async Task<List<Guid>> FleetAsync(Guid msp, int size)
    {
        await using var command = Database.CreateCommand(
            """
            insert into client_sync (msp_id, client_id, directory_tenant_id, every, priority, disabled, fence, failures,
              cursor_version, requested_full, next_at)
            select $1, gen_random_uuid(), gen_random_uuid(), interval '5 minutes', 5, false, 0, -1, 0, false,
              now() - i * interval '10 seconds'
            from generate_series($2, 1, -1) i
            returning client_id, next_at
            """
        );
        command.Parameters.Add(new() { Value = msp });
        command.Parameters.Add(new() { Value = size });
        var due = new List<(Guid Client, DateTime At)>();
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            due.Add((reader.GetGuid(0), reader.GetDateTime(1)));
        }

        return [.. due.OrderBy(d => d.At).Select(d => d.Client)];
    }

    private static UpdateScheduleRequest Request(TestClient client, TimeSpan interval) =>
        new() { ClientId = client.Id, PollInterval = interval.ToDuration() };
}
