using MassTransit;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Rollcall.Api.Directory.V1;
using Rollcall.Edge;
using Rollcall.Platform;

var builder = WebApplication.CreateBuilder(args);
if (args.Contains("--rotate-keys"))
{
    new KeyFolder(builder.Configuration.Required("Edge:SigningKeys")).Rotate(TimeProvider.System.GetUtcNow());
    return;
}

builder.WebHost.ConfigureKestrel(kestrel =>
{
    kestrel.AddServerHeader = false;
    kestrel.Limits.MaxRequestBodySize = 1024 * 1024;
    kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
});

// The door stays open while the broker is away: signing in and calling need none.
builder.AddService<EdgeDbContext>(
    "edge",
    bus => bus.ConfigureHealthCheckOptions(o => o.MinimalFailureStatus = HealthStatus.Degraded)
);
builder.Services.AddServiceClient<ConnectionService.ConnectionServiceClient>("directory-sync");
builder.Services.AddServiceClient<SyncService.SyncServiceClient>("directory-sync");
builder.Services.AddScoped<ConsentCallback>();
builder.Services.AddSingleton<HintBuffer>();
builder.Services.AddSingleton<GraphWebhook>();
builder.Services.AddHostedService<HintForwarder>();
builder.Services.AddSingleton<ShutOut>();
builder.Services.AddHostedService(provider => provider.GetRequiredService<ShutOut>());
builder.Services.AddSingleton<CallLimits>();
builder
    .Services.AddOptions<LimitOptions>()
    .BindConfiguration(LimitOptions.Section)
    .ValidateDataAnnotations()
    .ValidateOnStart();
builder
    .Services.AddReverseProxy()
    .LoadFromMemory(Routes.All(), Routes.Clusters(builder.Configuration))
    .ConfigureHttpClient(Routes.KeepStreamsAlive);
OpenIdServer.Add(builder);

var app = builder.Build();
app.UseRouting();
app.UseWhen(Door.IsRpc, rpc => rpc.UseMiddleware<Door>().UseEndpoints(_ => { }));
app.UseMiddleware<HttpRules>();
app.MapGrpcService<IdentityApi>();
app.MapReverseProxy();
app.MapGet(ConsentCallback.Path, (ConsentCallback callback, HttpContext http) => callback.AnswerAsync(http));
GraphWebhook.Map(app);
await app.RunServiceAsync<EdgeDbContext>(args);
