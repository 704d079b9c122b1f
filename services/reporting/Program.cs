using Rollcall.Api.Directory.V1;
using Rollcall.Platform;
using Rollcall.Reporting.Api;
using Rollcall.Reporting.Consumers;
using Rollcall.Reporting.Data;
using Rollcall.Reporting.Export;
using Rollcall.Reporting.Reports;

var builder = WebApplication.CreateBuilder(args);

builder.AddService<ReportingDbContext>(
    "reporting",
    bus =>
    {
        bus.AddConsumer<RosterChangedConsumer>();
        bus.AddConsumer<ScopeChangedConsumer>();
        bus.AddConsumer<AssignmentsChangedConsumer>();
        bus.AddConsumer<ClientChangedConsumer>();
    }
);
builder.Services.AddServiceClient<SyncService.SyncServiceClient>("directory-sync");
builder.Services.AddScoped<Moments>();
builder.Services.AddScoped<BasisReport>();
builder.Services.AddScoped<CsvReport>();

var app = builder.Build();

app.MapGrpcService<ReportApi>();

await app.RunServiceAsync<ReportingDbContext>(args);
