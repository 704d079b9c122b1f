using System.Text.Json;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Rollcall.GraphEmulator.Tests;

/// <summary>A webhook of a client: answers handshakes, keeps what arrives.</summary>
public sealed class Receiver : IAsyncDisposable
{
    private readonly Channel<JsonElement> notices = Channel.CreateUnbounded<JsonElement>();
    private readonly WebApplication app;
    private int refusals;

    private Receiver(bool answersHandshake, int refusals)
    {
        this.refusals = refusals;
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        app = builder.Build();
        app.MapPost(
            "/",
            (Delegate)(
                async (HttpContext context) =>
                    context.Request.Query["validationToken"].ToString() is { Length: > 0 } token
                        ? Results.Text(answersHandshake ? token : "?")
                        : await TakeAsync(context)
            )
        );
    }

    public string Url => app.Urls.First() + "/";

    public static async Task<Receiver> StartAsync(bool answersHandshake = true, int refusals = 0)
    {
        var receiver = new Receiver(answersHandshake, refusals);
        await receiver.app.StartAsync();
        return receiver;
    }

    public async Task<JsonElement> NextAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        return await notices.Reader.ReadAsync(patience.Token);
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();

    private async Task<IResult> TakeAsync(HttpContext context)
    {
        if (Interlocked.Decrement(ref refusals) >= 0)
        {
            return Results.StatusCode(503);
        }

        using var body = await JsonDocument.ParseAsync(context.Request.Body);
        foreach (var notice in body.RootElement.GetProperty("value").EnumerateArray())
        {
            await notices.Writer.WriteAsync(notice.Clone());
        }

        return Results.StatusCode(202);
    }
}
