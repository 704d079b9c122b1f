using System.Text.Json;

namespace Rollcall.GraphEmulator.Tests;

public sealed class InvariantTests(EmulatorFixture emulator) : IClassFixture<EmulatorFixture>
{
    private static readonly string[] Compared = ["id", "displayName", "department", "jobTitle", "accountEnabled"];
    private static readonly string[] Untidy = ["emptyPage", "duplicate", "replay", "shuffle", "removedInInitial"];
    private static readonly string[] Broken = ["reset", "truncate", "html502", "throttle", "status"];

    [Theory]
    [InlineData(13, "sparse")]
    [InlineData(14, "minimal")]
    [InlineData(18, "full")]
    [InlineData(27, "full")]
    [InlineData(40, "sparse")]
    [InlineData(50, "minimal")]
    public async Task Follow_AnyFaultsAndLag_EndsAtTheTruth(int seed, string propertyMode)
    {
        var tenant = await emulator.TenantAsync(
            new
            {
                users = 60,
                groups = 6,
                links = 150,
                seed,
                consented = true,
                settings = new
                {
                    propertyMode,
                    pageSize = 7,
                    linksPerPage = 11,
                    lagMaxSeconds = 600,
                    restoreEmitsLinks = true,
                    throttling = false,
                },
            }
        );
        var follower = new Follower(tenant);
        await emulator.SendAsync(HttpMethod.Put, "/_emulator/faults/seed", new { seed });
        await tenant.FaultAsync(
            Untidy
                .Concat(Broken)
                .Select(kind => new
                {
                    tenant = tenant.Id,
                    kind,
                    probability = 0.08,
                    path = "/v1.0/*/delta*",
                })
        );
        await tenant.FaultAsync(
            new
            {
                tenant = tenant.Id,
                kind = "expiredToken",
                probability = 0.05,
            }
        );
        for (var round = 0; round < 12; round++)
        {
            await tenant.ControlAsync(HttpMethod.Post, "churn", new { changes = 15, seed = 100 * seed + round });
            await follower.FollowAsync();
            await emulator.SendAsync(HttpMethod.Post, "/_emulator/clock", new { advance = 120 });
        }

        await emulator.SendAsync(HttpMethod.Delete, $"/_emulator/faults?tenant={tenant.Id}");
        await emulator.SendAsync(HttpMethod.Post, "/_emulator/clock", new { advance = 601 });
        await follower.FollowAsync();

        var truth = await tenant.TruthAsync();
        Assert.Equal(People(truth), [.. follower.Users.Values.Select(user => Line(user, follower)).Order()]);
        var groups = truth.Array("groups").Where(IsActive).Select(group => group.Id()).ToHashSet();
        var edges = truth.Array("edges").Where(edge => edge.GetProperty("active").GetBoolean());
        Assert.Equal(
            [.. edges.Select(edge => $"{edge.Text("groupId")} {edge.Text("memberId")}").Order()],
            follower.ActiveEdges(groups)
        );
        Assert.True(follower.Failures > 0);
    }

    private static List<string> People(JsonElement truth) =>
        [
            .. truth
                .Array("users")
                .Where(IsActive)
                .Select(user =>
                    string.Join(
                        '|',
                        Compared.Select(name => user.TryGetProperty(name, out var v) ? v.GetRawText() : "null")
                    ) + $"|{user.Text("managerId")}"
                )
                .Order(),
        ];

    private static string Line(Dictionary<string, string> user, Follower follower)
    {
        // A manager who was removed counts as none, as with memberships.
        var manager = user.GetValueOrDefault("manager") is { } id && follower.Users.ContainsKey(id) ? id : null;
        return string.Join('|', Compared.Select(name => user.GetValueOrDefault(name) ?? "null")) + $"|{manager}";
    }

    private static bool IsActive(JsonElement entry) => entry.Text("state") == "active";
}
