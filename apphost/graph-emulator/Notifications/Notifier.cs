using System.Collections.Concurrent;
using Rollcall.GraphEmulator.Model;

namespace Rollcall.GraphEmulator.Notifications;

/// <summary>One notification on its way.</summary>
public sealed record Notice(
    Tenant Tenant,
    Subscription Subscription,
    string Url,
    object Value,
    DateTimeOffset CreatedAt
)
{
    public int Attempts { get; init; }
}

/// <summary>Turns visible changes into notifications and delivers them, as well or badly as the tenant is set to.</summary>
public sealed class Notifier : BackgroundService
{
    private const int MaxPerPost = 50;
    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan RetryFor = TimeSpan.FromHours(4);
    private readonly Lock gate = new();
    private readonly PriorityQueue<Notice, DateTimeOffset> waiting = new();
    private readonly ConcurrentDictionary<string, ReceiverHealth> receivers = new(StringComparer.Ordinal);
    private readonly Emulation emulation;
    private readonly Webhook webhook;

    public Notifier(Emulation emulation, Webhook webhook)
    {
        (this.emulation, this.webhook) = (emulation, webhook);
        emulation.Published = Notice;
    }

    /// <summary>Sends a lifecycle event of a subscription, such as reauthorizationRequired.</summary>
    public bool SendLifecycle(Tenant tenant, Subscription subscription, string lifecycleEvent)
    {
        if (subscription.LifecycleUrl is null)
        {
            return false;
        }

        var value = new
        {
            subscriptionId = subscription.Id,
            subscriptionExpirationDateTime = subscription.ExpiresAt,
            tenantId = tenant.Id,
            clientState = subscription.ClientState,
            lifecycleEvent,
        };
        Enqueue(new(tenant, subscription, subscription.LifecycleUrl, value, tenant.Now), TimeSpan.Zero);
        return true;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Beat);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            foreach (var tenant in emulation.Tenants.Values.Where(tenant => tenant.PendingCount > 0))
            {
                Settle(tenant);
            }

            foreach (var post in Due().GroupBy(notice => (notice.Url, notice.Attempts)))
            {
                foreach (var part in post.Chunk(MaxPerPost))
                {
                    // Not awaited: a receiver that hangs must not hold up the others.
                    _ = DeliverAsync(part, stoppingToken);
                }
            }
        }
    }

    private static void Settle(Tenant tenant)
    {
        lock (tenant.Gate)
        {
            tenant.Settle();
        }
    }

    /// <summary>Called with the tenant's gate held.</summary>
    private void Notice(Tenant tenant, Change change)
    {
        foreach (var subscription in tenant.Subscriptions)
        {
            var live =
                subscription.ExpiresAt > tenant.Now
                && tenant.ServicePrincipals.GetValueOrDefault(subscription.AppId)
                    is { Deleted: false, Enabled: true } principal
                && (
                    principal.Granted.ContainsKey(subscription.Permission)
                    || principal.Granted.ContainsKey("Directory.Read.All")
                );
            if (live && subscription.Wants(change))
            {
                Plan(tenant, subscription, change);
            }
        }
    }

    private void Plan(Tenant tenant, Subscription subscription, Change change)
    {
        var (settings, random) = (tenant.Settings.Notifications, tenant.Random);
        if (random.NextDouble() < settings.LossRate)
        {
            subscription.CountLost();
            return;
        }

        var copies = random.NextDouble() < settings.DuplicateRate ? 2 : 1;
        for (var copy = 0; copy < copies; copy++)
        {
            var wait =
                settings.DelayMinSeconds
                + random.NextDouble() * Math.Max(0, settings.DelayMaxSeconds - settings.DelayMinSeconds);
            var value = Value(tenant, subscription, change);
            Enqueue(
                new(tenant, subscription, subscription.NotificationUrl, value, tenant.Now),
                TimeSpan.FromSeconds(wait)
            );
        }
    }

    private static object Value(Tenant tenant, Subscription subscription, Change change)
    {
        var (settings, random) = (tenant.Settings.Notifications, tenant.Random);
        var (type, set) = change.Target is User ? ("User", "Users") : ("Group", "Groups");
        return new
        {
            id = Guid.CreateVersion7(),
            subscriptionId = subscription.Id,
            subscriptionExpirationDateTime = subscription.ExpiresAt,
            clientState = random.NextDouble() < settings.WrongClientStateRate ? "forged" : subscription.ClientState,
            changeType = change.State == Existence.Purged ? "deleted" : "updated",
            resource = $"{set}/{change.Target.Id}",
            tenantId = random.NextDouble() < settings.WrongTenantRate ? Guid.CreateVersion7() : tenant.Id,
            resourceData = new Dictionary<string, object>(StringComparer.Ordinal)
            {
                ["@odata.type"] = $"#Microsoft.Graph.{type}",
                ["@odata.id"] = $"{set}/{change.Target.Id}",
                ["id"] = change.Target.Id,
            },
        };
    }

    private void Enqueue(Notice notice, TimeSpan wait)
    {
        lock (gate)
        {
            waiting.Enqueue(notice, emulation.Clock.GetUtcNow() + wait);
        }
    }

    private List<Notice> Due()
    {
        lock (gate)
        {
            var due = new List<Notice>();
            while (waiting.TryPeek(out var notice, out var at) && at <= emulation.Clock.GetUtcNow())
            {
                due.Add(notice);
                waiting.Dequeue();
            }

            return due;
        }
    }

    private async Task DeliverAsync(Notice[] notices, CancellationToken ct)
    {
        var first = notices[0];
        var health = receivers.GetOrAdd(first.Url, _ => new());
        var now = emulation.Clock.GetUtcNow();
        if (health.IsDropped(now))
        {
            Array.ForEach(notices, notice => notice.Subscription.CountLost());
            return;
        }

        if (health.Delay(now) is var delay && delay > TimeSpan.Zero && first.Attempts == 0)
        {
            Array.ForEach(notices, notice => Enqueue(notice with { Attempts = 1 }, delay));
            return;
        }

        var (taken, took) = await webhook.PostAsync(
            first.Url,
            new { value = notices.Select(notice => notice.Value) },
            ct
        );
        health.Record(emulation.Clock.GetUtcNow(), took);
        foreach (var notice in notices)
        {
            Finish(notice, taken);
        }
    }

    private void Finish(Notice notice, bool taken)
    {
        if (taken)
        {
            notice.Subscription.CountDelivered();
            return;
        }

        notice.Subscription.CountFailed();
        if (emulation.Clock.GetUtcNow() - notice.CreatedAt < RetryFor)
        {
            Enqueue(
                notice with
                {
                    Attempts = notice.Attempts + 1,
                },
                TimeSpan.FromSeconds(Math.Min(600, 10 << notice.Attempts))
            );
        }
        else
        {
            notice.Subscription.CountLost();
        }
    }
}
