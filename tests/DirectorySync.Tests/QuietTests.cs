using System.Diagnostics;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Rollcall.DirectorySync.Sync;
using Rollcall.DirectorySync.Tests.Model;
using Rollcall.Platform;
using Rollcall.Testing;

namespace Rollcall.DirectorySync.Tests;

/// <summary>A poll that finds nothing must cost next to nothing.</summary>
public sealed class QuietTests(DirectoryFixture service)
{
    [Fact]
    public async Task Poll_NothingChanged_WritesTheLeaseRowAlone()
    {
        using var world = new World(service.Graph, new(1, Users: 12, Groups: 2, new(), []));
        var client = new StoryClient(service, world.Tenant.Id);
        await client.CreateAsync();
        await client.SettleAsync();
        var lease = await client.ClaimAsync();
        var before = await RowsAsync(client.ClientId);
        var commands = 0;
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is "Npgsql" or "Rollcall",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
        };
        using var root = new Activity("quiet").Start();
        listener.ActivityStopped = a =>
            Interlocked.Add(ref commands, a.Source.Name == "Npgsql" && a.TraceId == root.TraceId ? 1 : 0);
        ActivitySource.AddActivityListener(listener);

        await service.Services.GetRequiredService<SyncRunner>().RunAsync(lease, default);
        root.Stop();

        Assert.Equal(0, commands);
        Assert.Equal(before, await RowsAsync(client.ClientId));
        var after = await client.ClaimAsync();
        Assert.Equal(lease.CursorVersion + 1, after.CursorVersion);
    }

    [Fact]
    public async Task Complete_ManyAtOnce_LeavesThoseOfOtherWorkersAlone()
    {
        List<SyncLease> leases = [];
        for (var i = 0; i < 3; i++)
        {
            using var world = new World(service.Graph, new(i, Users: 2, Groups: 1, new(), []));
            var client = new StoryClient(service, world.Tenant.Id);
            await client.CreateAsync();
            await client.SettleAsync();
            leases.Add(await client.ClaimAsync());
        }

        leases[1] = leases[1] with { Fence = leases[1].Fence - 1 };
        var rounds = leases.ConvertAll(l => new RoundEnd(l, $"users {l.ClientId}", "groups"));
        var quiet = service.Services.GetRequiredService<QuietRounds>();

        var endings = rounds.ConvertAll(r => quiet.CompleteAsync(r, default));

        await Assert.ThrowsAsync<LeaseLostException>(() => endings[1]);
        await Task.WhenAll(endings[0], endings[2]);
        var stand = await Task.WhenAll(rounds.Select(StandsAsync));
        Assert.Equal([true, false, true], stand);
    }

    private async Task<bool> StandsAsync(RoundEnd round)
    {
        await using var command = service
            .Services.GetRequiredService<WorkerDatabase>()
            .Source.CreateCommand("select users_cursor = $2 from client_sync where client_id = $1");
        command.Parameters.Add(new() { Value = round.Lease.ClientId });
        command.Parameters.Add(new() { Value = round.UsersCursor });
        return (bool)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>How many rows of the client there are in each table, and who wrote last; without the lease row.</summary>
    private async Task<List<string>> RowsAsync(Guid client)
    {
        await using var source = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(TestServers.Postgres)
            {
                Database = service.DatabaseName,
                Pooling = false,
            }.ConnectionString
        );
        await using var tables = source.CreateCommand(
            """
            select string_agg(format(
                'select %L || count(*) || %L || coalesce(max(xmin::text::bigint), 0) from %I where client_id = $1',
                c.relname || ' ', ' ', c.relname), ' union all ' order by c.relname)
            from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'client_id'
            where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
              and c.relname not in ('client_sync', 'outbox', 'outbox_dead')
            """
        );
        await using var rows = source.CreateCommand((string)(await tables.ExecuteScalarAsync())!);
        rows.Parameters.Add(new() { Value = client });
        List<string> found = [];
        await using var reader = await rows.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            found.Add(reader.GetString(0));
        }

        return found;
    }
}
