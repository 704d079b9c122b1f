using System.Net;
using System.Net.Http.Json;
using System.Text;
using Rollcall.Api.Directory.V1;
using Rollcall.Testing;

namespace Rollcall.Edge.Tests;

public sealed class GraphWebhookTests(EdgeFixture fixture)
{
    private readonly string id = Guid.CreateVersion7().ToString();

    [Theory]
    [InlineData(GraphWebhook.Notifications)]
    [InlineData(GraphWebhook.Lifecycle)]
    public async Task Handshake_Token_IsEchoedAsPlainText(string path)
    {
        const string Token = "Validation: Testing <b>client</b> & more + Request-Id: 1";
        using var empty = new StringContent("", Encoding.UTF8, "text/plain");

        using var answer = await fixture.Edge.Http.PostAsync(
            Address($"{path}?validationToken={Uri.EscapeDataString(Token)}"),
            empty
        );

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("text/plain", answer.Content.Headers.ContentType?.MediaType);
        Assert.Equal(Token, await answer.Content.ReadAsStringAsync());
        Assert.Equal("nosniff", answer.Headers.GetValues("X-Content-Type-Options").Single());
    }

    [Fact]
    public async Task Handshake_TokenTooLongOrTwice_IsRefused()
    {
        foreach (
            var query in new[] { $"validationToken={new string('x', 1025)}", "validationToken=a&validationToken=b" }
        )
        {
            using var answer = await PostAsync(new { }, $"{GraphWebhook.Notifications}?{query}");
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        }
    }

    [Fact]
    public async Task Notifications_OfAnybody_AreHandedOnOnceEach()
    {
        var notification = new
        {
            subscriptionId = id,
            clientState = "secret",
            tenantId = "11111111-2222-3333-4444-555555555555",
            changeType = "updated",
            resource = "Users/1",
        };

        using var answer = await PostAsync(new { value = Enumerable.Repeat(notification, 50) });

        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        Assert.Equal("", await answer.Content.ReadAsStringAsync());
        var expected = new Hint
        {
            SubscriptionId = id,
            ClientState = "secret",
            TenantId = notification.tenantId,
        };
        await HandedOnAsync(expected);
    }

    [Fact]
    public async Task Lifecycle_Event_IsHandedOnWithItsName()
    {
        using var answer = await PostAsync(
            new { value = new[] { new { subscriptionId = id, lifecycleEvent = "reauthorizationRequired" } } },
            GraphWebhook.Lifecycle
        );

        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        await HandedOnAsync(new() { SubscriptionId = id, LifecycleEvent = "reauthorizationRequired" });
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{\"value\":1}")]
    [InlineData("{\"value\":[1]}")]
    [InlineData("{\"values\":[]}")]
    public async Task Notifications_Malformed_AreRefused(string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");

        using var answer = await fixture.Edge.Http.PostAsync(Address(GraphWebhook.Notifications), content);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
    }

    [Fact]
    public async Task Notifications_TooLarge_AreRefused()
    {
        using var answer = await PostAsync(new { value = new[] { new string('x', GraphWebhook.MaxBody) } });

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
    }

    [Fact]
    public async Task Notifications_WhileDirectorySyncIsAway_AreAnsweredAtOnce()
    {
        await using var edge = fixture.Start(
            ("services:directory-sync:grpc:0", $"http://127.0.0.1:{EdgeFixture.FreePort()}")
        );
        using var content = JsonContent.Create(new { value = new[] { new { subscriptionId = id } } });

        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        using var answer = await edge.Http.PostAsync(Address(GraphWebhook.Notifications), content, patience.Token);

        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
    }

    [Fact]
    public async Task Flood_FromOneAddress_IsSlowedButKeepsNobodyFromSigningIn()
    {
        await using var edge = fixture.Start(("Edge:Limits:SignInsPerSecond", "1"), ("Edge:Limits:SignInBurst", "3"));
        var codes = new List<HttpStatusCode>();
        for (var i = 0; i < 6; i++)
        {
            using var content = JsonContent.Create(new { value = Array.Empty<object>() });
            using var answer = await edge.Http.PostAsync(Address(GraphWebhook.Notifications), content);
            codes.Add(answer.StatusCode);
        }

        Assert.Contains(HttpStatusCode.TooManyRequests, codes);
        using var signIn = await fixture.AskForTokenAsync("platform", "platform-secret", edge: edge);
        Assert.Equal(HttpStatusCode.OK, signIn.StatusCode);
    }

    [Fact]
    public async Task Buffer_Full_DropsTheRestAndGoesOn()
    {
        using var buffer = new HintBuffer();
        buffer.Add(Enumerable.Range(0, HintBuffer.Capacity * 2).Select(i => new Hint { SubscriptionId = $"{i}" }));

        var taken = 0;
        for (var batch = 0; batch < HintBuffer.Capacity / HintBuffer.BatchSize; batch++)
        {
            var hints = await buffer.TakeAsync(CancellationToken.None);
            Assert.InRange(hints.Count, 1, HintBuffer.BatchSize);
            taken += hints.Count;
        }

        Assert.Equal(HintBuffer.Capacity, taken);
    }

    private async Task HandedOnAsync(Hint expected) =>
        await Eventually.HoldsAsync(() =>
            Assert.Equal(expected, Assert.Single(fixture.Backend.Hints, h => h.SubscriptionId == id))
        );

    private Task<HttpResponseMessage> PostAsync(object body, string path = GraphWebhook.Notifications) =>
        fixture.Edge.Http.PostAsync(Address(path), JsonContent.Create(body));

    private static Uri Address(string path) => new(path, UriKind.Relative);
}
