using Rollcall.Api.Directory.V1;
using Rollcall.Notification.Alerts;
using Rollcall.Notification.Api;
using Rollcall.Notification.Consumers;
using Rollcall.Notification.Data;
using Rollcall.Notification.Mail;
using Rollcall.Notification.Reminders;
using Rollcall.Notification.Tickets;
using Rollcall.Platform;

var builder = WebApplication.CreateBuilder(args);
builder.AddService<NotificationDbContext>(
    "notification",
    bus =>
    {
        bus.AddConsumer<RosterChangedConsumer>();
        bus.AddConsumer<AssignmentsChangedConsumer>();
        bus.AddConsumer<SyncHealthChangedConsumer>();
        bus.AddConsumer<ClientChangedConsumer>();
        bus.AddConsumer<AlarmRaisedConsumer>();
    }
);
builder.Services.AddOptions<MailOptions>().BindConfiguration("Mail").ValidateDataAnnotations().ValidateOnStart();
builder.Services.AddOptions<TicketOptions>().BindConfiguration("Tickets").ValidateDataAnnotations().ValidateOnStart();
builder.Services.AddScoped<MailPlan>();
builder.Services.AddScoped<MailDesk>();
builder.Services.AddSingleton<RosterAge>();
builder.Services.AddServiceClient<SyncService.SyncServiceClient>("directory-sync");
builder.Services.AddScoped<ISyncHealthSource, RemoteSyncHealth>();
builder.Services.AddSingleton<MailComposer>();
builder.Services.AddSingleton<MailServerWatch>();
builder.Services.AddSingleton<MailSender>();
builder.Services.AddHostedService(provider => provider.GetRequiredService<MailSender>());
builder.Services.AddScoped<ReminderDesk>();
builder.Services.AddSingleton<ReminderPlanner>();
builder.Services.AddHostedService(provider => provider.GetRequiredService<ReminderPlanner>());
builder.Services.AddScoped<AlertBook>();
builder.Services.AddScoped<PlatformAlertBook>();
builder.Services.AddScoped<TicketLog>();
builder.Services.AddScoped<TicketCursors>();
builder.Services.AddScoped<TicketWatch>();
builder.Services.AddScoped<PlatformAlertPages>();

var app = builder.Build();
app.MapGrpcService<BrandApi>();
app.MapGrpcService<CadenceApi>();
app.MapGrpcService<DeliveryApi>();
app.MapGrpcService<AlertApi>();
app.MapGrpcService<TicketApi>();
await app.RunServiceAsync<NotificationDbContext>(args);
