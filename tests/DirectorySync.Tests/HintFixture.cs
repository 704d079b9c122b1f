using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Tests;
using Rollcall.Testing;

[assembly: AssemblyFixture(typeof(HintFixture))]

namespace Rollcall.DirectorySync.Tests;

/// <summary>A service of its own that asks for notifications, since they would bring other tests' syncs forward.</summary>
public sealed class HintFixture : DirectoryFixture
{
    private readonly WebApplication webhook;

    public HintFixture()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        webhook = builder.Build();
        webhook.MapPost("/graph/{kind}", AnswerAsync);
        webhook.StartAsync().GetAwaiter().GetResult();
    }

    private SyncService.SyncServiceClient Hints => Client<SyncService.SyncServiceClient>(TestTokens.Service("edge"));

    protected override IEnumerable<KeyValuePair<string, string?>> Settings =>
        [.. base.Settings, new("Hints:PublicUrl", webhook.Urls.Single())];

    public async Task HintAsync(params Hint[] hints) => await Hints.ReceiveHintsAsync(new() { Hints = { hints } });

    public override async ValueTask DisposeAsync()
    {
        await webhook.DisposeAsync();
        await base.DisposeAsync();
    }

    /// <summary>As edge does, without its protections.</summary>
    private async Task<IResult> AnswerAsync(HttpRequest request)
    {
        if (request.Query["validationToken"] is [{ } token])
        {
            return Results.Text(token, "text/plain");
        }

        using var body = await JsonDocument.ParseAsync(request.Body);
        string Text(JsonElement n, string name) => n.TryGetProperty(name, out var v) ? v.ToString() : "";
        await HintAsync([
            .. body
                .RootElement.GetProperty("value")
                .EnumerateArray()
                .Select(n => new Hint
                {
                    SubscriptionId = Text(n, "subscriptionId"),
                    ClientState = Text(n, "clientState"),
                    TenantId = Text(n, "tenantId"),
                    LifecycleEvent = Text(n, "lifecycleEvent"),
                }),
        ]);
        return Results.Accepted();
    }
}
