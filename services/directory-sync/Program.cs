using Npgsql;
using Rollcall.DirectorySync.Api;
using Rollcall.DirectorySync.Connections;
using Rollcall.DirectorySync.Csv;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Graph;
using Rollcall.DirectorySync.Health;
using Rollcall.DirectorySync.Hints;
using Rollcall.DirectorySync.Mailboxes;
using Rollcall.DirectorySync.Sync;
using Rollcall.DirectorySync.Trail;
using Rollcall.Platform;
using StackExchange.Redis;

var builder = WebApplication.CreateBuilder(args);

if (builder.Configuration.GetConnectionString("database") is { } database)
{
    // A round works in temporary tables, by some hundred statements: both stay with the connection. Nothing else does;
    // tenant and settings end with their transaction.
    builder.Configuration["ConnectionStrings:database"] = new NpgsqlConnectionStringBuilder(database)
    {
        NoResetOnClose = true,
        MaxAutoPrepare = 200,
        AutoPrepareMinUsages = 2,

        // Pages and rows by the megabyte: fewer system calls.
        WriteBufferSize = 65536,
        ReadBufferSize = 32768,
    }.ConnectionString;
}

builder.AddService<DirectoryDbContext>("directory-sync", consumers: _ => { });
builder.Services.AddOptions<GraphOptions>().BindConfiguration("Graph").ValidateDataAnnotations();
builder.Services.AddSingleton<IConnectionMultiplexer>(_ =>
    ConnectionMultiplexer.Connect(Cache.Options(builder.Configuration.RequiredConnectionString("redis")))
);
builder.Services.AddSingleton<Cache>();
builder.Services.AddSingleton<IClientDirectory, LocalClientDirectory>();
builder.Services.AddSingleton<GraphHttp>();
builder.Services.AddSingleton<GraphTokens>();
builder.Services.AddSingleton<GraphShare>();
builder.Services.AddHostedService(provider => provider.GetRequiredService<GraphShare>());
builder.Services.AddSingleton<GraphPace>();
builder.Services.AddSingleton<GraphDirectory>();
builder.Services.AddSingleton<GraphBatch>();
builder.Services.AddSingleton<GraphPeople>();
builder.Services.AddSingleton<Leases>();
builder.Services.AddSingleton<Cursors>();
builder.Services.AddSingleton<RestoredLinks>();
builder.Services.AddSingleton<PageStore>();
builder.Services.AddSingleton<RoundReader>();
builder.Services.AddSingleton<EscrowReader>();
builder.Services.AddSingleton<ImportJudge>();
builder.Services.AddSingleton<DryRun>();
builder.Services.AddSingleton<SyncRunner>();
builder.Services.AddSingleton<PersonSync>();
builder.Services.AddSingleton<ProgressBoard>();
builder.Services.AddOptions<SyncOptions>().BindConfiguration("Sync").ValidateDataAnnotations().ValidateOnStart();
builder.Services.AddSingleton<QuietRounds>();
builder.Services.AddHostedService(provider => provider.GetRequiredService<QuietRounds>());
builder.Services.AddSingleton<SyncSignal>();
builder.Services.AddHostedService<SyncScheduler>();
builder.Services.AddOptions<TrailOptions>().BindConfiguration("Trail").ValidateDataAnnotations().ValidateOnStart();
builder.Services.AddSingleton<TrailKeeper>();
builder.Services.AddHostedService(provider => provider.GetRequiredService<TrailKeeper>());
builder
    .Services.AddOptions<HintOptions>()
    .BindConfiguration(HintOptions.Section)
    .ValidateDataAnnotations()
    .ValidateOnStart();
builder.Services.AddSingleton<HintReceiver>();
builder.Services.AddSingleton<SubscriptionLeases>();
builder.Services.AddSingleton<GraphSubscriptions>();
builder.Services.AddHostedService<SubscriptionKeeper>();
builder.Services.AddScoped<SubscriptionBook>();
builder.Services.AddSingleton<MailboxRounds>();
builder.Services.AddSingleton<MailboxReader>();
builder.Services.AddHostedService(provider => provider.GetRequiredService<MailboxReader>());
builder.Services.AddSingleton<OwnTrouble>();
builder.Services.AddScoped<HealthBook>();
builder.Services.AddScoped<Consents>();
builder.Services.AddScoped<EscrowBook>();
builder.Services.AddScoped<StagedRemovals>();
builder.Services.AddScoped<KindDecisions>();
builder.Services.AddScoped<ImportScopes>();
builder.Services.AddScoped<CsvImport>();

var app = builder.Build();

app.MapGrpcService<ClientApi>();
app.MapGrpcService<ConnectionApi>();
app.MapGrpcService<SyncApi>();
app.MapGrpcService<RosterApi>();

await app.RunServiceAsync<DirectoryDbContext>(args);
