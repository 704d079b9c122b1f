using System.Net;

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
