using System.Text;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using Rollcall.Api.Directory.V1;
using Rollcall.Testing;

namespace Rollcall.DirectorySync.Tests;

public sealed class DryRunTests(DirectoryFixture service)
{
    [Fact]
    public async Task DryRun_Delta_ShowsEveryPersonAndTouchesNothing()
    {
        var client = await service.ConnectedAsync();
        var people = await client.AddPeopleAsync(8);
        var group = await client.AddGroupAsync("Staff", people[0]);
        await client.SyncedAsync();
        await client.AddPersonAsync("newcomer");
        await client.GraphAsync(HttpMethod.Patch, $"users/{people[0]}", new { department = "Sales" });
        await client.GraphAsync(HttpMethod.Put, $"groups/{group}/members/{people[1]}");
        await client.GraphAsync(HttpMethod.Delete, $"users/{people[2]}");
        var before = await EverythingAsync(client);

        var run = await client.SyncedAsync(SyncMode.DryRun);

        Assert.Equal(before, await EverythingAsync(client));
        Assert.Equal((1, 1, 1, 0, 0L), (run.Added, run.Changed, run.Removed, run.Staged, run.RosterVersion));
        var shown = await ListAsync(client, run);
        Assert.All(shown, e => Assert.True(e.Preview));
        Assert.Equal(4, shown.Count);
        Assert.Contains(shown, e => e is { Action: SyncAction.Added, DisplayName: "newcomer" });
        Assert.Contains(shown, e => e.Changes.Any(c => c is { Property: "department", NewValue: "Sales" }));
        Assert.Contains(shown, e => e.Action == SyncAction.Removed);

        // The real thing finds the directory as the dry run did.
        var real = await client.SyncedAsync();
        Assert.Equal((1, 1, 1), (real.Added, real.Changed, real.Removed));
        Assert.All(await ListAsync(client, real), e => Assert.False(e.Preview));
        await Eventually.HoldsAsync(() => Assert.Single(client.Published, m => m.RosterVersion == real.RosterVersion));
    }

    [Fact]
    public async Task DryRun_MassRemoval_ShowsWhatTheBrakeWouldDo()
    {
        var client = await service.ConnectedAsync();
        var people = await client.AddPeopleAsync(12);
        await client.SyncedAsync();
        foreach (var person in people[..7])
        {
            await client.GraphAsync(HttpMethod.Delete, $"users/{person}");
        }

        var run = await client.SyncedAsync(SyncMode.DryRun);

        Assert.Equal((0, 7), (run.Removed, run.Staged));
        Assert.Equal(
            7,
            (await ListAsync(client, run)).Count(e =>
                e is { Action: SyncAction.Staged, ReasonCode: "MASS_REMOVAL_RUN" }
            )
        );
        Assert.Empty((await client.Syncs.ListStagedRemovalsAsync(new() { ClientId = client.Id })).Removals);
        Assert.Equal(HealthState.Healthy, (await client.HealthAsync()).State);
    }

    [Fact]
    public async Task DryRun_FullOfManyPages_LeavesThePagesOfTheRealRoundAlone()
    {
        var client = await service.ConnectedAsync(new { users = 450, seed = 3 });
        await client.DbAsync(async db =>
        {
            db.StagedPages.Add(
                new()
                {
                    MspId = client.MspId,
                    ClientId = Guid.Parse(client.Id),
                    Stream = 0,
                    Page = 0,
                    Origin = "full",
                    Body = Encoding.UTF8.GetBytes("a page of a round that a crash broke off"),
                    NextLink = "next",
                }
            );
            await db.SaveChangesAsync();
            return await db.ClientSyncs.ExecuteUpdateAsync(c => c.SetProperty(x => x.HasPages, true));
        });
        var before = await EverythingAsync(client);

        var run = await client.SyncAsync(SyncMode.DryRun, full: true);

        Assert.Equal(SyncRunState.Succeeded, run.State);
        Assert.True(run.Pages > 4);
        Assert.Equal(0, run.Added + run.Changed + run.Removed);
        Assert.Equal(before, await EverythingAsync(client));
    }

    [Fact]
    public async Task DryRun_GraphDown_FailsByItself()
    {
        var client = await service.ConnectedAsync();
        await client.AddPeopleAsync(2);
        await client.SyncedAsync();
        await client.FaultAsync(new { kind = "html502" });
        var before = await EverythingAsync(client);

        var run = await client.SyncAsync(SyncMode.DryRun);

        Assert.Equal(SyncRunState.Failed, run.State);
        Assert.NotEmpty(run.Problem);
        Assert.Equal(before, await EverythingAsync(client));
        Assert.Equal(HealthState.Healthy, (await client.HealthAsync()).State);
        await client.MendAsync();
        await client.SyncedAsync();
    }

    private static async Task<List<SyncEvent>> ListAsync(TestClient client, SyncRun run)
    {
        List<SyncEvent> events = [];
        var request = new ListSyncEventsRequest
        {
            ClientId = client.Id,
            SyncRunId = run.Id,
            PageSize = 3,
        };
        do
        {
            var page = await client.Syncs.ListSyncEventsAsync(request);
            events.AddRange(page.Events);
            request.PageToken = page.NextPageToken;
        } while (request.PageToken.Length > 0);

        return events;
    }

    /// <summary>Every row of the client in every table, but for the runs, the preview and the bare lease.</summary>
    private async Task<string> EverythingAsync(TestClient client)
    {
        var admin = new NpgsqlConnectionStringBuilder(TestServers.Postgres)
        {
            Database = service.DatabaseName,
            Pooling = false,
        };
        await using var source = NpgsqlDataSource.Create(admin.ConnectionString);
        List<string> tables = [];
        await using (
            var names = source.CreateCommand(
                """
                select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'client_id'
                where c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace = 'public'::regnamespace
                  and c.relname not in ('sync_run', 'sync_preview', 'outbox') order by 1
                """
            )
        )
        await using (var reader = await names.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync())
            {
                tables.Add(reader.GetString(0));
            }
        }

        Assert.Contains("sync_event", tables);
        Assert.Contains("staged_page", tables);
        var rows = new StringBuilder();
        foreach (var table in tables)
        {
            await using var all = source.CreateCommand(
                $"""
                select coalesce(string_agg(row::text, chr(10) order by row::text), '') from (
                  select to_jsonb(t) - array['next_at', 'claimed_at', 'fence', 'owner', 'requested_run_id', 'requested_full'] as row
                  from {table} t where client_id = $1) r
                """
            );
            all.Parameters.Add(new() { Value = Guid.Parse(client.Id) });
            rows.Append(table).Append(": ").Append(await all.ExecuteScalarAsync()).AppendLine();
        }

        return rows.ToString();
    }
}
