using Rollcall.Platform;
using Rollcall.ScopeRules.Api;
using Rollcall.ScopeRules.Consumers;
using Rollcall.ScopeRules.Data;
using Rollcall.ScopeRules.Decisions;
using Rollcall.ScopeRules.Exceptions;
using Rollcall.ScopeRules.Policies;

var builder = WebApplication.CreateBuilder(args);
builder.AddService<ScopeDbContext>(
    "scope-rules",
    bus =>
    {
        bus.AddConsumer<RosterChangedConsumer>();
        bus.AddConsumer<ClientChangedConsumer>();
    }
);
builder.Services.AddScoped<ClientScopes>();
builder.Services.AddScoped<PolicyVersions>();
builder.Services.AddScoped<ExceptionBook>();
builder.Services.AddScoped<DecisionWriter>();
builder.Services.AddScoped<Evaluations>();
builder.Services.AddSingleton<EvaluationSignal>();
builder.Services.AddSingleton<EvaluationWorker>();
builder.Services.AddHostedService(provider => provider.GetRequiredService<EvaluationWorker>());

var app = builder.Build();
app.MapGrpcService<PolicyApi>();
app.MapGrpcService<ScopeApi>();
app.MapGrpcService<ExceptionApi>();
await app.RunServiceAsync<ScopeDbContext>(args);
