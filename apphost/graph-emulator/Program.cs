using Rollcall.GraphEmulator;
using Rollcall.GraphEmulator.Control;
using Rollcall.GraphEmulator.Faults;
using Rollcall.GraphEmulator.Graph;
using Rollcall.GraphEmulator.Model;
using Rollcall.GraphEmulator.Notifications;
using Rollcall.GraphEmulator.SignIn;

var builder = WebApplication.CreateBuilder(args);
builder.Logging.AddSimpleConsole(o => o.SingleLine = true).AddFilter("Microsoft", LogLevel.Warning);
builder.Services.AddSingleton<EmulatorClock>();
builder.Services.AddSingleton(p =>
    Setup.Create(p.GetRequiredService<IConfiguration>(), p.GetRequiredService<EmulatorClock>())
);
builder.Services.AddSingleton<FaultSchedule>();
builder.Services.AddSingleton<Throttle>();
builder.Services.AddSingleton<MailboxLimit>();
builder.Services.AddSingleton<Webhook>();
builder.Services.AddSingleton<Notifier>();
builder.Services.AddHostedService(p => p.GetRequiredService<Notifier>());
builder.Services.AddHostedService<StateSaver>();
builder.Services.AddSingleton<Subscriptions>();
builder.Services.AddSingleton<Router>();
builder.Services.AddSingleton<Pipeline>();
builder.Services.AddSingleton<Batch>();
builder.Services.AddSingleton<GraphEndpoint>();
builder.Services.AddSingleton<TokenEndpoint>();
builder.Services.AddSingleton<Consent>();

var app = builder.Build();
app.Services.GetRequiredService<Emulation>();
app.Map("/v1.0/{**path}", (HttpContext context, GraphEndpoint graph) => graph.HandleAsync(context));
app.MapPost(
    "/{tenant}/oauth2/v2.0/token",
    (string tenant, HttpContext context, TokenEndpoint tokens) => tokens.HandleAsync(tenant, context)
);
app.MapGet(
    "/{tenant}/v2.0/adminconsent",
    (string tenant, HttpContext context, Consent consent) => consent.Handle(tenant, context, v2: true)
);
app.MapGet(
    "/{tenant}/adminconsent",
    (string tenant, HttpContext context, Consent consent) => consent.Handle(tenant, context, v2: false)
);
app.MapGet("/{tenant}/v2.0/.well-known/openid-configuration", Discovery.OpenIdConfiguration);
app.MapGet("/{tenant}/.well-known/openid-configuration", Discovery.OpenIdConfiguration);
app.MapGet("/{tenant}/discovery/v2.0/keys", Discovery.Keys);
app.MapGet("/health/ready", () => "ready");
app.MapGet("/health/live", () => "live");
ControlEndpoints.Map(app);
await app.RunAsync();
