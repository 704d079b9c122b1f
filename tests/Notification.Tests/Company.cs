using Google.Protobuf.WellKnownTypes;
using Microsoft.EntityFrameworkCore;
using Rollcall.Api;
using Rollcall.Api.Assignment.V1;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Notification.V1;
using Rollcall.Platform;
using Rollcall.Testing;

namespace Rollcall.Notification.Tests;

/// <summary>A client of its own for a test: says what happens there, and looks at what became of it.</summary>
public sealed class Company(NotificationFixture fixture, Guid? msp = null, string timeZone = "Etc/UTC")
{
    private readonly HashSet<Guid> published = [];
    private long rosterVersion;
    private long healthRevision;

    public ClientInfo Client { get; } = fixture.Clients.Add(msp, timeZone);
    public Guid Id => Client.ClientId;
    public Tenant Tenant => Tenant.Client(Client.MspId, Client.ClientId);

    public DeliveryService.DeliveryServiceClient Deliveries =>
        fixture.Client<DeliveryService.DeliveryServiceClient>(TestTokens.MspAdmin(Client.MspId));

    public AlertService.AlertServiceClient Alerts =>
        fixture.Client<AlertService.AlertServiceClient>(TestTokens.MspAdmin(Client.MspId));

    public Task AnnounceAsync(string name = "Fabrikam", string mspName = "Northwind IT") =>
        PublishAsync(
            new ClientChanged
            {
                MspId = $"{Client.MspId}",
                ClientId = $"{Id}",
                Revision = 1,
                DisplayName = name,
                TimeZone = timeZone,
                MspDisplayName = mspName,
            }
        );

    public static User Person(string? mailPrefix = null, Source authority = Source.Manual)
    {
        var id = Guid.CreateVersion7();
        return new()
        {
            Id = $"{id}",
            Revision = 1,
            State = UserState.Active,
            Kind = AccountKind.Person,
            Authority = authority,
            GivenName = "Ada",
            DisplayName = "Ada Berg",
            Mail = $"{mailPrefix ?? "ada"}.{id:N}@fabrikam.example",
        };
    }

    /// <summary>A new roster version with the people as they are now.</summary>
    public Task RosterAsync(params User[] people) =>
        PublishAsync(
            new RosterChanged
            {
                MspId = $"{Client.MspId}",
                ClientId = $"{Id}",
                RosterVersion = ++rosterVersion,
                Part = 1,
                Parts = 1,
                Users = { people },
            }
        );

    public Assignment Assign(User person, string title = "Phishing basics", TimeSpan? dueIn = null) =>
        new()
        {
            Id = $"{Guid.CreateVersion7()}",
            UserId = person.Id,
            CourseId = $"{Guid.CreateVersion7()}",
            CourseTitle = title,
            Cycle = "1",
            State = AssignmentState.Open,
            OpenTime = fixture.Clock.GetUtcNow().ToTimestamp(),
            DueTime = dueIn is { } due ? (fixture.Clock.GetUtcNow() + due).ToTimestamp() : null,
            Revision = 1,
        };

    public AssignmentsChanged Changed(params Assignment[] assignments) =>
        new()
        {
            MspId = $"{Client.MspId}",
            ClientId = $"{Id}",
            Assignments = { assignments },
        };

    public Task AssignmentsAsync(params Assignment[] assignments) => PublishAsync(Changed(assignments));

    public Task HealthAsync(HealthState state, Action<SyncHealth>? more = null, long? revision = null)
    {
        var health = new SyncHealth
        {
            State = state,
            Owner = FixOwner.Client,
            Problem = state == HealthState.Healthy ? "" : "The consent was taken back",
            Remedy = state == HealthState.Healthy ? "" : "Grant consent again",
            SinceTime = fixture.Clock.GetUtcNow().ToTimestamp(),
            LastSuccessTime = fixture.Clock.GetUtcNow().ToTimestamp(),
        };
        more?.Invoke(health);
        healthRevision = revision ?? healthRevision + 1;
        return PublishAsync(
            new SyncHealthChanged
            {
                MspId = $"{Client.MspId}",
                ClientId = $"{Id}",
                Revision = healthRevision,
                Health = health,
            }
        );
    }

    public async Task<List<Delivery>> DeliveriesAsync(User? person = null) =>
        [.. (await Deliveries.ListDeliveriesAsync(new() { ClientId = $"{Id}", UserId = person?.Id ?? "" })).Deliveries];

    public async Task<List<Alert>> AlertsAsync() =>
        [.. (await Alerts.ListAlertsAsync(new() { ClientId = $"{Id}" })).Alerts];

    /// <summary>Waits until the person's newest mail is in the state.</summary>
    public async Task<Delivery> BecomesAsync(User person, DeliveryState state)
    {
        Delivery? newest = null;
        await Eventually.HoldsAsync(async () =>
        {
            newest = (await DeliveriesAsync(person)).FirstOrDefault();
            Assert.Equal(state, newest?.State);
        });
        return newest!;
    }

    /// <summary>Waits until everything published so far has been handled.</summary>
    public Task SettledAsync() =>
        Eventually.HoldsAsync(async () =>
            Assert.Equal(
                published.Count,
                await fixture.DbAsync(
                    Tenant,
                    db =>
                        db.Inbox.Where(i => published.Contains(i.MessageId))
                            .Select(i => i.MessageId)
                            .Distinct()
                            .CountAsync()
                )
            )
        );

    /// <summary>Waits until nothing is left to handle or to send.</summary>
    public async Task QuietAsync()
    {
        await SettledAsync();
        await Eventually.HoldsAsync(async () =>
            Assert.False(await fixture.DbAsync(Tenant, db => db.SendQueue.AnyAsync(q => q.ClientId == Id)))
        );
    }

    public Task PublishAsync(ITenantEvent message, Guid? messageId = null)
    {
        var id = messageId ?? Guid.CreateVersion7();
        published.Add(id);
        return fixture.PublishAsync(message, id);
    }
}
