using System.Text;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Rollcall.Api.Directory.V1;

namespace Rollcall.DirectorySync.Tests;

public sealed class TrailTests(DirectoryFixture service)
{
    [Fact]
    public async Task Sync_SeveralChangesOfOnePerson_AreOneEvent()
    {
        var client = await service.ConnectedAsync();
        var people = await client.AddPeopleAsync(8);
        var first = await client.SyncedAsync();
        Assert.Equal(
            people.Count,
            (await EventsAsync(client, first)).Count(e => e is { Action: SyncAction.Added, Status: SyncStatus.Done })
        );

        await client.GraphAsync(HttpMethod.Patch, $"users/{people[0]}", new { department = "Sales" });
        await client.GraphAsync(HttpMethod.Post, $"users/{people[0]}/disable");
        var second = await client.SyncedAsync();

        var told = Assert.Single(await EventsAsync(client, second));
        Assert.Equal((SyncAction.Removed, "DISABLED"), (told.Action, told.ReasonCode));
        Assert.Contains(told.Changes, c => c is { Property: "department", NewValue: "Sales" });
    }

    [Fact]
    public async Task Sync_Group_IsToldOnceWithCounts()
    {
        var client = await service.ConnectedAsync();
        var people = await client.AddPeopleAsync(3);
        var group = await client.AddGroupAsync("Staff", people[0], people[1]);
        var first = await client.SyncedAsync();
        var added = Assert.Single(await EventsAsync(client, first), e => e.GroupId.Length > 0);
        Assert.Equal(SyncAction.Added, added.Action);
        Assert.Equal(("membersAdded", "2"), Change(Assert.Single(added.Changes)));

        await client.GraphAsync(HttpMethod.Patch, $"groups/{group}", new { displayName = "Everybody" });
        await client.GraphAsync(HttpMethod.Put, $"groups/{group}/members/{people[2]}");
        await client.GraphAsync(HttpMethod.Delete, $"groups/{group}/members/{people[0]}");
        var second = await client.SyncedAsync();

        var told = Assert.Single(await EventsAsync(client, second));
        Assert.Equal((SyncAction.Changed, added.GroupId), (told.Action, told.GroupId));
        Assert.Equal(
            [("displayName", "Everybody"), ("membersAdded", "1"), ("membersRemoved", "1")],
            told.Changes.Select(Change).Order()
        );

        await client.GraphAsync(HttpMethod.Delete, $"groups/{group}");
        var third = await client.SyncedAsync();
        Assert.Equal(SyncAction.Removed, Assert.Single(await EventsAsync(client, third)).Action);
    }

    [Fact]
    public async Task Sync_ServiceAccount_IsSkippedOnceWithItsReason()
    {
        var client = await service.ConnectedAsync();
        var account = await client.AddPersonAsync("backup", new { userPrincipalName = "svc-backup@x.example" });
        var told = Assert.Single(await EventsAsync(client, await client.SyncedAsync()));
        Assert.Equal((SyncStatus.Skipped, "KIND_SERVICE"), (told.Status, told.ReasonCode));

        await client.GraphAsync(HttpMethod.Patch, $"users/{account}", new { department = "IT" });

        told = Assert.Single(await EventsAsync(client, await client.SyncedAsync()));
        Assert.Equal((SyncStatus.Done, ""), (told.Status, told.ReasonCode));
    }

    [Fact]
    public async Task ListSyncEvents_FiltersAndPages_TellEachEventOnce()
    {
        var client = await service.ConnectedAsync();
        await client.AddPeopleAsync(5);
        await client.AddPersonAsync("nomail", new { mail = "" });
        var run = await client.SyncedAsync();
        await client.AddPeopleAsync(2);
        await client.SyncedAsync();
        var all = await AllAsync(new());
        Assert.Equal(all.Count, all.Select(e => e.Id).Distinct().Count());

        // Even if who asked for the run was ahead of who made it.
        await client.DbAsync(db =>
            db.SyncRuns.Where(r => r.Id == Guid.Parse(run.Id))
                .ExecuteUpdateAsync(r => r.SetProperty(x => x.StartedAt, x => x.StartedAt.AddMinutes(30)))
        );
        Assert.Equal(6, (await AllAsync(new() { SyncRunId = run.Id })).Count);
        Assert.Empty(await AllAsync(new() { SyncRunId = $"{Guid.CreateVersion7()}" }));
        Assert.Equal("nomail", Assert.Single(await AllAsync(new() { ReasonCode = "MAIL_MISSING" })).DisplayName);
        Assert.Single(
            await AllAsync(
                new()
                {
                    SyncRunId = run.Id,
                    Status = SyncStatus.Failed,
                    Action = SyncAction.Added,
                }
            )
        );
        Assert.Single(await AllAsync(new() { UserId = all[0].UserId }));
        var now = service.Clock.GetUtcNow();
        Assert.Empty(await AllAsync(new() { FromTime = now.AddDays(1).ToTimestamp() }));
        Assert.Equal(all, await AllAsync(new() { ToTime = now.AddDays(1).ToTimestamp() }));

        async Task<List<SyncEvent>> AllAsync(ListSyncEventsRequest request)
        {
            List<SyncEvent> found = [];
            (request.ClientId, request.PageSize) = (client.Id, 3);
            do
            {
                var page = await client.Syncs.ListSyncEventsAsync(request);
                Assert.True(page.Events.Count <= 3);
                found.AddRange(page.Events);
                request.PageToken = page.NextPageToken;
            } while (request.PageToken.Length > 0);

            return found;
        }
    }

    [Theory]
    [InlineData("=HYPERLINK(\"http://x.example\")")]
    [InlineData("+1")]
    [InlineData("-1")]
    [InlineData("@SUM(A1)")]
    [InlineData("\t=1")]
    [InlineData("\r=1")]
    public async Task Export_Formula_IsText(string formula)
    {
        var client = await service.ConnectedAsync();
        var person = await client.AddPersonAsync("ada", new { displayName = formula });
        await client.SyncedAsync();
        await client.GraphAsync(HttpMethod.Patch, $"users/{person}", new { department = formula });
        await client.SyncedAsync();

        var (name, text) = await ExportAsync(client, new());

        Assert.EndsWith(".csv", name, StringComparison.Ordinal);
        var quoted = formula.Replace("\"", "\"\"", StringComparison.Ordinal);
        Assert.Contains($"\"'{quoted}\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain($"\"{quoted}\"", text, StringComparison.Ordinal);
        Assert.Contains("\"Fabrikam\"", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Export_MoreThanAPage_HasThemAllAndSaysWhatItIs()
    {
        var client = await service.ConnectedAsync(new { users = 620, seed = 5 });
        var events = await client.DbAsync(db => db.SyncEvents.CountAsync(e => e.Action == SyncAction.Added));

        var (name, text) = await ExportAsync(
            client,
            new() { Format = SyncEventFormat.JsonLines, Action = SyncAction.Added }
        );

        Assert.EndsWith(".jsonl", name, StringComparison.Ordinal);
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.True(events > 620);
        Assert.Equal(events + 1, lines.Length);
        Assert.Contains("\"filter\":\"action Added\"", lines[0], StringComparison.Ordinal);
        Assert.Equal(events, lines[1..].Distinct(StringComparer.Ordinal).Count());
    }

    private static async Task<(string Name, string Text)> ExportAsync(
        TestClient client,
        ExportSyncEventsRequest request
    )
    {
        request.ClientId = client.Id;
        var (name, text) = ("", new MemoryStream());
        using var export = client.Syncs.ExportSyncEvents(request);
        await foreach (var part in export.ResponseStream.ReadAllAsync())
        {
            name += part.FileName;
            part.Chunk.WriteTo(text);
        }

        return (name, Encoding.UTF8.GetString(text.ToArray()));
    }

    private static (string, string) Change(PropertyChange change) => (change.Property, change.NewValue);

    private static async Task<List<SyncEvent>> EventsAsync(TestClient client, SyncRun run) =>
        [.. (await client.Syncs.ListSyncEventsAsync(new() { ClientId = client.Id, SyncRunId = run.Id })).Events];
}
