using Microsoft.EntityFrameworkCore;
using Rollcall.Platform;

namespace Rollcall.Notification.Data;

/// <summary>What notification remembers: copies of the facts mails rest on, mails, alerts and partner tickets.</summary>
public sealed class NotificationDbContext(DbContextOptions<NotificationDbContext> options) : ServiceDbContext(options)
{
    public DbSet<KnownClient> Clients => Set<KnownClient>();
    public DbSet<ClientHealth> Health => Set<ClientHealth>();
    public DbSet<TrainingTask> Tasks => Set<TrainingTask>();
    public DbSet<ClientCadence> Cadences => Set<ClientCadence>();
    public DbSet<MspBrand> Brands => Set<MspBrand>();
    public DbSet<MailDelivery> Deliveries => Set<MailDelivery>();
    public DbSet<MailItem> Items => Set<MailItem>();
    public DbSet<SendQueueRow> SendQueue => Set<SendQueueRow>();
    public DbSet<ReminderScheduleRow> ReminderSchedule => Set<ReminderScheduleRow>();
    public DbSet<ClientAlert> Alerts => Set<ClientAlert>();
    public DbSet<ClientAlertNote> AlertNotes => Set<ClientAlertNote>();
    public DbSet<PlatformAlert> PlatformAlerts => Set<PlatformAlert>();
    public DbSet<PlatformAlertSubject> PlatformAlertSubjects => Set<PlatformAlertSubject>();
    public DbSet<TicketLogRow> TicketLog => Set<TicketLogRow>();
    public DbSet<TicketCounter> TicketCounters => Set<TicketCounter>();
    public DbSet<TicketCursor> TicketCursors => Set<TicketCursor>();
    public DbSet<TicketAck> TicketAcks => Set<TicketAck>();

    /// <summary>
    /// The sender and the reminder planner must find what is due whoever's it is. Both tables hold ids and times only;
    /// the mails, people and assignments behind them stay closed to the worker.
    /// </summary>
    public override IReadOnlyList<string> WorkerTables => ["send_queue", "reminder_schedule"];

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        base.OnModelCreating(modelBuilder);
        modelBuilder.AddRosterReplica();
    }
}
