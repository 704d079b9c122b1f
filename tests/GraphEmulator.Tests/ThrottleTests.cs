using System.Net;

namespace Rollcall.GraphEmulator.Tests;

public sealed class ThrottleTests(EmulatorFixture emulator) : IClassFixture<EmulatorFixture>
{
    [Theory]
    [InlineData("users", 2)]
    [InlineData("users?$select=id", 1)]
    [InlineData("users?$select=id&$expand=manager", 2)]
    [InlineData("users/delta", 1)]
    [InlineData("groups/{group}/members", 3)]
    [InlineData("groups/{group}/members?$top=5", 2)]
    [InlineData("groups/{group}/transitiveMembers", 5)]
    public async Task Cost_ByPathAndOptions_IsInTheHeader(string path, int cost)
    {
        var tenant = await emulator.TenantAsync();
        var group = await tenant.AddGroupAsync("Team");

        using var answer = await tenant.SendAsync("/v1.0/" + path.Replace("{group}", group));

        Assert.Equal($"{cost}", answer.Headers.GetValues("x-ms-resource-unit").Single());
    }

    [Fact]
    public async Task Bucket_Spent_Answers429UntilTheWindowIsOver()
    {
        var tenant = await emulator.TenantAsync();
        await tenant.SettingsAsync(new { resourceUnits = 3 });
        await tenant.GetAsync("/v1.0/users");

        using var refused = await tenant.SendAsync("/v1.0/users");
        await emulator.SendAsync(HttpMethod.Post, "/_emulator/clock", new { advance = 10 });
        using var taken = await tenant.SendAsync("/v1.0/users");

        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 10);
        Assert.Equal(HttpStatusCode.OK, taken.StatusCode);
    }

    [Fact]
    public async Task Bucket_OneTenantSpent_OthersGoOn()
    {
        var (one, other) = (await emulator.TenantAsync(), await emulator.TenantAsync());
        await one.SettingsAsync(new { resourceUnits = 1 });

        Assert.Equal((429, "TooManyRequests"), await one.FailAsync("/v1.0/users"));
        await other.GetAsync("/v1.0/users");
    }

    [Fact]
    public async Task Bucket_RefusedCalls_CostNothing()
    {
        var tenant = await emulator.TenantAsync();
        await tenant.SettingsAsync(new { resourceUnits = 2 });
        for (var call = 0; call < 5; call++)
        {
            Assert.Equal(403, (await tenant.FailAsync("/v1.0/organization")).Status);
        }

        await tenant.GetAsync("/v1.0/users");
    }

    [Fact]
    public async Task Mailbox_FifthCallAtOnce_IsThrottled()
    {
        var tenant = await emulator.TenantAsync();
        await tenant.GrantAsync("MailboxSettings.Read");
        var user = await tenant.AddUserAsync();
        await tenant.GetAsync("/v1.0/users");
        await tenant.SettingsAsync(new { latencyMs = 300 });

        var calls = Enumerable
            .Range(0, 6)
            .Select(_ => tenant.SendAsync($"/v1.0/users/{user}/mailboxSettings/userPurpose"));
        var answers = await Task.WhenAll(calls);

        Assert.Equal(4, answers.Count(answer => answer.IsSuccessStatusCode));
        Assert.Equal(2, answers.Count(answer => answer.StatusCode == HttpStatusCode.TooManyRequests));
    }
}
