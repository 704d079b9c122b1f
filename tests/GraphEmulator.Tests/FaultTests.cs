using System.Diagnostics;
using System.Net;
using System.Text.Json;

namespace Rollcall.GraphEmulator.Tests;

public sealed class FaultTests(EmulatorFixture emulator) : IClassFixture<EmulatorFixture>
{
    private static readonly int[] Second = [2];
    private const string Users = "/v1.0/users/delta?$select=displayName";

    [Fact]
    public async Task Throttle_NthCallOnly_Answers429WithRetryAfter()
    {
        var tenant = await emulator.TenantAsync();
        await tenant.FaultAsync(
            new
            {
                tenant = tenant.Id,
                path = "/v1.0/users*",
                kind = "throttle",
                nth = Second,
                retryAfter = 7,
            }
        );

        var statuses = new List<HttpStatusCode>();
        for (var call = 0; call < 3; call++)
        {
            using var answer = await tenant.SendAsync("/v1.0/users");
            statuses.Add(answer.StatusCode);
            if (answer.StatusCode == HttpStatusCode.TooManyRequests)
            {
                Assert.Equal(7, answer.Headers.RetryAfter!.Delta!.Value.TotalSeconds);
                Assert.StartsWith(
                    "Tenant_Application/ReadWrite/",
                    answer.Headers.GetValues("x-ms-throttle-scope").Single()
                );
            }
        }

        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.TooManyRequests, HttpStatusCode.OK], statuses);
    }

    [Theory]
    [InlineData("date", true)]
    [InlineData("none", false)]
    public async Task Throttle_RetryAfterForm_IsAsAsked(string form, bool hasDate)
    {
        var tenant = await emulator.TenantAsync();
        await tenant.FaultAsync(
            new
            {
                tenant = tenant.Id,
                kind = "throttle",
                retryAfter = form,
            }
        );

        using var answer = await tenant.SendAsync("/v1.0/users");

        Assert.Equal(hasDate, answer.Headers.RetryAfter?.Date is not null);
        Assert.Null(answer.Headers.RetryAfter?.Delta);
    }

    [Fact]
    public async Task Status_OneTenantsRule_LeavesTheOthersAlone()
    {
        var (one, other) = (await emulator.TenantAsync(), await emulator.TenantAsync());
        await one.FaultAsync(
            new
            {
                tenant = one.Id,
                kind = "status",
                status = 503,
                times = 1,
            }
        );

        Assert.Equal((503, "ServiceUnavailable"), await one.FailAsync("/v1.0/users"));
        await one.GetAsync("/v1.0/users");
        await other.GetAsync("/v1.0/users");
    }

    [Fact]
    public async Task Path_WithQuestionMark_SeesTheQuery()
    {
        var tenant = await emulator.TenantAsync();
        var start = await tenant.ReadAsync(Users);
        await tenant.FaultAsync(
            new
            {
                tenant = tenant.Id,
                kind = "status",
                status = 404,
                path = "*?*$deltatoken=*",
            }
        );

        Assert.Equal((404, "UnknownError"), await tenant.FailAsync(start.DeltaLink));
        await tenant.ReadAsync(Users);
    }

    [Fact]
    public async Task Html502_IsNoJson()
    {
        var tenant = await emulator.TenantAsync();
        await tenant.FaultAsync(new { tenant = tenant.Id, kind = "html502" });

        using var answer = await tenant.SendAsync("/v1.0/users");

        Assert.Equal(
            (HttpStatusCode.BadGateway, "text/html"),
            (answer.StatusCode, answer.Content.Headers.ContentType!.MediaType)
        );
    }

    [Fact]
    public async Task Truncate_CompleteAnswer_HalfTheJson()
    {
        var tenant = await emulator.TenantAsync(new { users = 5, consented = true });
        await tenant.FaultAsync(new { tenant = tenant.Id, kind = "truncate" });

        using var answer = await tenant.SendAsync("/v1.0/users");
        var body = await answer.Content.ReadAsStringAsync();

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.ThrowsAny<JsonException>(() => JsonElement.Parse(body));
    }

    [Fact]
    public async Task Reset_MidBody_BreaksTheConnection()
    {
        var tenant = await emulator.TenantAsync(new { users = 5, consented = true });
        await tenant.FaultAsync(new { tenant = tenant.Id, kind = "reset" });

        await Assert.ThrowsAnyAsync<Exception>(() => tenant.SendAsync("/v1.0/users"));
    }

    [Fact]
    public async Task Hang_NoAnswer_ThenTheConnectionGoes()
    {
        var tenant = await emulator.TenantAsync();
        await tenant.GetAsync("/v1.0/users");
        await tenant.FaultAsync(
            new
            {
                tenant = tenant.Id,
                kind = "hang",
                delayMs = 400,
            }
        );

        var call = tenant.SendAsync("/v1.0/users");
        var first = await Task.WhenAny(call, Task.Delay(100));

        Assert.NotSame(call, first);
        await Assert.ThrowsAnyAsync<Exception>(() => call);
    }

    [Fact]
    public async Task Slow_DribbledBody_ArrivesWhole()
    {
        var tenant = await emulator.TenantAsync(new { users = 5, consented = true });
        await tenant.FaultAsync(
            new
            {
                tenant = tenant.Id,
                kind = "slow",
                delayMs = 200,
            }
        );

        var started = Stopwatch.GetTimestamp();
        var body = await tenant.GetAsync("/v1.0/users");

        Assert.Equal(5, body.Array("value").Count);
        Assert.True(Stopwatch.GetElapsedTime(started).TotalMilliseconds >= 150);
    }

    [Theory]
    [InlineData("expiredToken", 400, "syncStateNotFound")]
    [InlineData("goneWithLocation", 410, "resyncRequired")]
    public async Task TokenFault_DeltaLink_IsRefused(string kind, int status, string code)
    {
        var tenant = await emulator.TenantAsync();
        var start = await tenant.ReadAsync(Users);
        await tenant.FaultAsync(
            new
            {
                tenant = tenant.Id,
                kind,
                times = 1,
            }
        );

        Assert.Equal((status, code), await tenant.FailAsync(start.DeltaLink));
        await tenant.ReadAsync(start.DeltaLink);
    }

    [Fact]
    public async Task ExpiredPageToken_NextLinkOnly_IsRefused()
    {
        var tenant = await emulator.TenantAsync(new { users = 3, consented = true });
        await tenant.SettingsAsync(new { pageSize = 2 });
        await tenant.FaultAsync(new { tenant = tenant.Id, kind = "expiredPageToken" });

        var page = await tenant.GetAsync(Users);

        Assert.Equal((400, "Directory_ExpiredPageToken"), await tenant.FailAsync(page.Text("@odata.nextLink")!));
    }

    [Fact]
    public async Task EmptyPage_WithNextLink_LosesNobody()
    {
        var tenant = await emulator.TenantAsync(new { users = 5, consented = true });
        await tenant.SettingsAsync(new { pageSize = 2 });
        await tenant.FaultAsync(
            new
            {
                tenant = tenant.Id,
                kind = "emptyPage",
                every = 2,
            }
        );

        var round = await tenant.ReadAsync(Users);

        Assert.Equal(5, round.Pages);
        Assert.Equal(5, round.Entries.Count);
    }

    [Theory]
    [InlineData("duplicate")]
    [InlineData("shuffle")]
    public async Task Untidy_InitialRound_HoldsEveryoneAtLeastOnce(string kind)
    {
        var tenant = await emulator.TenantAsync(new { users = 25, consented = true });
        await tenant.SettingsAsync(new { pageSize = 6 });
        await tenant.FaultAsync(new { tenant = tenant.Id, kind });

        var round = await tenant.ReadAsync(Users);

        Assert.Equal(25, round.Entries.Select(entry => entry.Id()).Distinct().Count());
        Assert.Equal(kind == "duplicate", round.Entries.Count > 25);
    }

    [Fact]
    public async Task Replay_NextRound_BringsOldChangesAgain()
    {
        var tenant = await emulator.TenantAsync();
        var user = await tenant.AddUserAsync();
        var start = await tenant.ReadAsync(Users);
        await tenant.FaultAsync(new { tenant = tenant.Id, kind = "replay" });

        var round = await tenant.ReadAsync(start.DeltaLink);

        Assert.Equal([user], round.Entries.Select(entry => entry.Id()));
    }

    [Fact]
    public async Task Aadsts_OnTheTokenPath_RefusesEveryTenant()
    {
        var tenant = await emulator.TenantAsync();
        await tenant.FaultAsync(
            new
            {
                kind = "aadsts",
                aadsts = 7000222,
                times = 1,
            }
        );

        using var refused = await emulator.SignInAsync(tenant.Id.ToString());
        using var granted = await emulator.SignInAsync(tenant.Id.ToString());

        Assert.Contains("AADSTS7000222", await refused.Content.ReadAsStringAsync());
        Assert.True(granted.IsSuccessStatusCode);
    }

    [Fact]
    public async Task Probability_SameSeed_SameFaults()
    {
        var tenant = await emulator.TenantAsync();
        await tenant.FaultAsync(
            new
            {
                tenant = tenant.Id,
                kind = "status",
                status = 500,
                probability = 0.5,
            }
        );

        var (first, second) = (await RunAsync(), await RunAsync());

        Assert.Equal(first, second);
        Assert.Contains(false, first);
        Assert.Contains(true, first);

        async Task<List<bool>> RunAsync()
        {
            await emulator.SendAsync(HttpMethod.Put, "/_emulator/faults/seed", new { seed = 42 });
            var outcomes = new List<bool>();
            for (var call = 0; call < 30; call++)
            {
                using var answer = await tenant.SendAsync("/v1.0/users");
                outcomes.Add(answer.IsSuccessStatusCode);
            }

            return outcomes;
        }
    }

    [Fact]
    public async Task Clear_AllRules_EndsTheFaults()
    {
        var tenant = await emulator.TenantAsync();
        await tenant.FaultAsync(
            new[] { new { tenant = tenant.Id, kind = "status" }, new { tenant = tenant.Id, kind = "throttle" } }
        );

        await emulator.SendAsync(HttpMethod.Delete, $"/_emulator/faults?tenant={tenant.Id}");

        await tenant.GetAsync("/v1.0/users");
    }
}
