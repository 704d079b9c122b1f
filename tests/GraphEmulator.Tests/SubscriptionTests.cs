using System.Net.Http.Json;
using System.Text.Json;

namespace Rollcall.GraphEmulator.Tests;

public sealed class SubscriptionTests(EmulatorFixture emulator) : IClassFixture<EmulatorFixture>
{
    [Fact]
    public async Task Create_HandshakeAnswered_DeliversChanges()
    {
        await using var receiver = await Receiver.StartAsync();
        var tenant = await emulator.TenantAsync();
        await CreateAsync(tenant, receiver.Url);

        var user = await tenant.AddUserAsync();
        var notice = await receiver.NextAsync();

        Assert.Equal("updated", notice.Text("changeType"));
        Assert.Equal($"Users/{user}", notice.Text("resource"));
        Assert.Equal("open sesame", notice.Text("clientState"));
        Assert.Equal(tenant.Id, notice.GetProperty("tenantId").GetGuid());
    }

    [Fact]
    public async Task Create_HandshakeWrong_Is400()
    {
        await using var receiver = await Receiver.StartAsync(answersHandshake: false);
        var tenant = await emulator.TenantAsync();

        using var answer = await tenant.SendAsync("/v1.0/subscriptions", HttpMethod.Post, Order(receiver.Url));

        Assert.Equal(400, (int)answer.StatusCode);
        Assert.Contains("ValidationError", await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Create_SameAgain_Is409()
    {
        await using var receiver = await Receiver.StartAsync();
        var tenant = await emulator.TenantAsync();
        await CreateAsync(tenant, receiver.Url);

        using var answer = await tenant.SendAsync("/v1.0/subscriptions", HttpMethod.Post, Order(receiver.Url));

        Assert.Equal(409, (int)answer.StatusCode);
    }

    [Fact]
    public async Task Create_TooLong_Is400()
    {
        var tenant = await emulator.TenantAsync();

        using var answer = await tenant.SendAsync(
            "/v1.0/subscriptions",
            HttpMethod.Post,
            Order("http://127.0.0.1:9/", days: 30)
        );

        Assert.Equal(400, (int)answer.StatusCode);
    }

    [Fact]
    public async Task RenewAndDelete_OwnSubscription_MoveAndEndIt()
    {
        await using var receiver = await Receiver.StartAsync();
        var tenant = await emulator.TenantAsync();
        var created = await CreateAsync(tenant, receiver.Url);
        var address = $"/v1.0/subscriptions/{created.Id()}";
        var later = TimeProvider.System.GetUtcNow().AddDays(20);

        using var renewed = await tenant.SendAsync(address, HttpMethod.Patch, new { expirationDateTime = later });
        var read = await tenant.GetAsync(address);
        using var deleted = await tenant.SendAsync(address, HttpMethod.Delete);

        Assert.Equal(later, read.GetProperty("expirationDateTime").GetDateTimeOffset());
        Assert.Equal(204, (int)deleted.StatusCode);
        Assert.Equal(404, (await tenant.FailAsync(address)).Status);
    }

    [Fact]
    public async Task Deliver_Duplicated_ComesTwice()
    {
        await using var receiver = await Receiver.StartAsync();
        var tenant = await emulator.TenantAsync();
        await tenant.SettingsAsync(new { notifications = new { duplicateRate = 1.0, wrongClientStateRate = 1.0 } });
        await CreateAsync(tenant, receiver.Url);

        var user = await tenant.AddUserAsync();
        var notices = new[] { await receiver.NextAsync(), await receiver.NextAsync() };

        Assert.All(notices, notice => Assert.Equal($"Users/{user}", notice.Text("resource")));
        Assert.All(notices, notice => Assert.Equal("forged", notice.Text("clientState")));
    }

    [Fact]
    public async Task Deliver_Lost_IsCountedOnly()
    {
        await using var receiver = await Receiver.StartAsync();
        var tenant = await emulator.TenantAsync();
        await tenant.SettingsAsync(new { notifications = new { lossRate = 1.0 } });
        await CreateAsync(tenant, receiver.Url);

        await tenant.AddUserAsync();

        var listed = await tenant.ControlAsync(HttpMethod.Get, "subscriptions");
        Assert.Equal(1, listed[0].GetProperty("lost").GetInt32());
    }

    [Fact]
    public async Task Deliver_Refused_IsTriedAgain()
    {
        await using var receiver = await Receiver.StartAsync(refusals: 1);
        var tenant = await emulator.TenantAsync();
        await CreateAsync(tenant, receiver.Url);

        var user = await tenant.AddUserAsync();
        var retried = receiver.NextAsync();
        while (!retried.IsCompleted)
        {
            await emulator.SendAsync(HttpMethod.Post, "/_emulator/clock", new { advance = 60 });
            await Task.WhenAny(retried, Task.Delay(20));
        }

        Assert.Equal($"Users/{user}", (await retried).Text("resource"));
    }

    [Fact]
    public async Task Lifecycle_Sent_GoesToItsAddress()
    {
        await using var receiver = await Receiver.StartAsync();
        var tenant = await emulator.TenantAsync();
        var created = await CreateAsync(tenant, receiver.Url);

        await tenant.ControlAsync(
            HttpMethod.Post,
            $"subscriptions/{created.Id()}/lifecycle",
            new { @event = "reauthorizationRequired" }
        );

        Assert.Equal("reauthorizationRequired", (await receiver.NextAsync()).Text("lifecycleEvent"));
    }

    private static object Order(string url, int days = 1) =>
        new
        {
            changeType = "updated,deleted",
            notificationUrl = url,
            lifecycleNotificationUrl = url,
            resource = "users",
            expirationDateTime = TimeProvider.System.GetUtcNow().AddDays(days),
            clientState = "open sesame",
        };

    private static async Task<JsonElement> CreateAsync(TestTenant tenant, string url)
    {
        using var answer = await tenant.SendAsync("/v1.0/subscriptions", HttpMethod.Post, Order(url));
        Assert.Equal(201, (int)answer.StatusCode);
        return await answer.Content.ReadFromJsonAsync<JsonElement>();
    }
}
