using System.Diagnostics;
using System.Net;
using System.Text.Json;

namespace Rollcall.GraphEmulator.Tests;

public sealed class DeliveryFaultTests(EmulatorFixture emulator) : IClassFixture<EmulatorFixture>
{
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
}
