using Rollcall.Assignment.Actions;
using Rollcall.Assignment.Api;
using Rollcall.Assignment.Consumers;
using Rollcall.Assignment.Data;
using Rollcall.Assignment.Planning;
using Rollcall.Platform;

var builder = WebApplication.CreateBuilder(args);
builder.AddService<AssignmentDbContext>(
    "assignment",
    bus =>
    {
        bus.AddConsumer<ScopeChangedConsumer>();
        bus.AddConsumer<ClientChangedConsumer>();
    }
);
builder.Services.AddScoped<PlannedClients>();
builder.Services.AddScoped<PlanningRun>();
builder.Services.AddScoped<ActionLog>();
builder.Services.AddScoped<Reopening>();
builder.Services.AddSingleton<PlanningWorker>();
builder.Services.AddHostedService(provider => provider.GetRequiredService<PlanningWorker>());

var app = builder.Build();
app.MapGrpcService<CatalogApi>();
app.MapGrpcService<PathApi>();
app.MapGrpcService<AssignmentApi>();
await app.RunServiceAsync<AssignmentDbContext>(args);
