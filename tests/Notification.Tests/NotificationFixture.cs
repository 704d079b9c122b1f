using System.Collections.Concurrent;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Rollcall.Notification.Data;
using Rollcall.Notification.Mail;
using Rollcall.Notification.Tests;
using Rollcall.Testing;

[assembly: AssemblyFixture(typeof(NotificationFixture))]

// The clock belongs to all tests: one that moves it must not surprise another.
[assembly: CollectionBehavior(CollectionBehavior.CollectionPerAssembly)]

namespace Rollcall.Notification.Tests;

/// <summary>The service on real servers, its mail going through a gate that tests can close.</summary>
public sealed class NotificationFixture() : ServiceFixture<Mail.MailSender, NotificationDbContext>("notification")
{
    public MailGate Gate { get; } = new();
    public FakeSyncHealth Sync { get; } = new();

    protected override IEnumerable<KeyValuePair<string, string?>> Settings =>
        [
            new("Mail:Host", "127.0.0.1"),
            new("Mail:Port", $"{Gate.Port}"),
            new("Mail:Gather", "00:00:00.200"),
            new("Mail:Poll", "00:00:00.050"),
            new("Tickets:Heartbeat", "00:00:00.500"),
            new("Tickets:Poll", "00:00:00.050"),
        ];

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        Gate.Dispose();
    }

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        base.ConfigureWebHost(builder);
        builder.ConfigureTestServices(services => services.AddSingleton<ISyncHealthSource>(Sync));
    }
}

/// <summary>Stands for directory-sync's GetSyncHealth: tests say when a client's last success was.</summary>
public sealed class FakeSyncHealth : ISyncHealthSource
{
    public ConcurrentDictionary<Guid, DateTimeOffset> Success { get; } = new();

    public Task<DateTimeOffset?> LastSuccessAsync(Guid clientId, CancellationToken ct) =>
        Task.FromResult(Success.TryGetValue(clientId, out var at) ? at : (DateTimeOffset?)null);
}
