using Microsoft.Extensions.Options;
using Rollcall.DirectorySync.Graph;

namespace Rollcall.DirectorySync.Hints;

/// <summary>
/// Keeps the wanted subscriptions alive at Graph: makes, renews, replaces and deletes them; without an address of ours
/// only the last, so that Graph calls nobody. Whatever fails here costs
/// seconds of latency, never a change: it is shown on the connection and tried again, and the client's sync goes on.
/// </summary>
public sealed partial class SubscriptionKeeper(
    SubscriptionLeases leases,
    GraphSubscriptions subscriptions,
    HintReceiver hints,
    IOptions<HintOptions> options,
    ILogger<SubscriptionKeeper> logger
) : BackgroundService
{
    private const int AtOnce = 8;
    private static readonly TimeSpan IdleDelay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Soonest = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan[] Delays =
    [
        TimeSpan.FromSeconds(30),
        TimeSpan.FromMinutes(5),
        TimeSpan.FromMinutes(15),
        TimeSpan.FromHours(1),
        TimeSpan.FromHours(6),
    ];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var moved = false;
        var url = options.Value.NotificationUrl;
        while (!stoppingToken.IsCancellationRequested)
        {
            var claimed = 0;
            try
            {
                if (!moved)
                {
                    await leases.MoveAsync(url, stoppingToken);
                    moved = true;
                }

                var work = await leases.ClaimAsync(AtOnce, onlyDeletions: url is null, stoppingToken);
                await Task.WhenAll(work.Select(w => KeepAsync(w, url, stoppingToken)));
                claimed = work.Count;
            }
            catch (Exception e) when (e is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
            {
                LogRoundFailed(e);
            }

            if (claimed < AtOnce)
            {
                await Task.Delay(url is null ? IdleDelay * 5 : IdleDelay, stoppingToken);
            }
        }
    }

    private async Task KeepAsync(SubscriptionLease lease, string? url, CancellationToken ct)
    {
        try
        {
            await DoAsync(lease, url, ct);
        }
        catch (GraphException e)
        {
            LogFailed(lease.ClientId, lease.Resource, e.Code);
            var delay = Delays[Math.Min(lease.Failures, Delays.Length - 1)];
            await leases.FailedAsync(lease, e.Code, e.RetryAfter > delay ? e.RetryAfter.Value : delay, ct);
        }
    }

    private Task DoAsync(SubscriptionLease lease, string? url, CancellationToken ct) =>
        (lease, url) switch
        {
            ({ Wanted: false }, _) or (_, null) => DeleteAsync(lease, ct),
            ({ SubscriptionId: { } id }, _) when lease.NotificationUrl == url => RenewAsync(lease, id, url, ct),
            _ => CreateAsync(lease, url, ct),
        };

    private async Task RenewAsync(SubscriptionLease lease, Guid id, string url, CancellationToken ct)
    {
        try
        {
            var expiresAt = await subscriptions.RenewAsync(lease.DirectoryTenantId, id, Expiry(), ct);
            await leases.RenewedAsync(lease, expiresAt, RenewIn(expiresAt), ct);
        }
        catch (GraphException e) when (e.Status == 404)
        {
            LogGone(lease.ClientId, lease.Resource);
            await CreateAsync(lease, url, ct);
        }
    }

    private async Task CreateAsync(SubscriptionLease lease, string url, CancellationToken ct)
    {
        var directory = lease.DirectoryTenantId;
        if (lease.SubscriptionId is { } old)
        {
            await subscriptions.DeleteAsync(directory, old, ct);
        }

        var (secret, hash) = ClientState.New();
        var (id, expiresAt) = await CreateAsync(directory, lease.Resource, secret, ct);
        if (!await leases.CreatedAsync(lease, id, hash, url, expiresAt, RenewIn(expiresAt), ct))
        {
            // Disconnected meanwhile: nobody would ever look after it.
            await subscriptions.DeleteAsync(directory, id, ct);
            return;
        }

        // Changes between the last subscription and this one were announced to nobody.
        await hints.PullAsync([lease.ClientId], ct);
        LogCreated(lease.ClientId, lease.Resource, expiresAt);
    }

    private async Task<(Guid Id, DateTimeOffset ExpiresAt)> CreateAsync(
        Guid directory,
        string resource,
        string secret,
        CancellationToken ct
    )
    {
        try
        {
            return await subscriptions.CreateAsync(directory, resource, secret, Expiry(), ct);
        }
        catch (GraphException e) when (e.Status == 409)
        {
            // Made by somebody of us who died before noting it; its secret died too.
            foreach (var lost in await subscriptions.FindAsync(directory, resource, ct))
            {
                await subscriptions.DeleteAsync(directory, lost, ct);
            }

            return await subscriptions.CreateAsync(directory, resource, secret, Expiry(), ct);
        }
    }

    private async Task DeleteAsync(SubscriptionLease lease, CancellationToken ct)
    {
        try
        {
            if (lease.SubscriptionId is { } id)
            {
                await subscriptions.DeleteAsync(lease.DirectoryTenantId, id, ct);
            }
        }
        catch (GraphException e)
            when (e.Failure
                    is GraphFailure.ConsentRemoved
                        or GraphFailure.PermissionMissing
                        or GraphFailure.DisabledByCustomer
                        or GraphFailure.TenantGone
            )
        {
            // We may not ask there any more. Graph sends nothing without consent, and the subscription expires.
            LogFailed(lease.ClientId, lease.Resource, e.Code);
        }

        await leases.DeletedAsync(lease, ct);
    }

    /// <summary>By Graph's clock, which is the world's, not the development clock.</summary>
    private DateTimeOffset Expiry() => TimeProvider.System.GetUtcNow() + options.Value.Lifetime;

    /// <summary>Never later than half way to the end.</summary>
    private TimeSpan RenewIn(DateTimeOffset expiresAt)
    {
        var half = (expiresAt - TimeProvider.System.GetUtcNow()) / 2;
        return half < Soonest ? Soonest
            : half > options.Value.RenewEvery ? options.Value.RenewEvery
            : half;
    }

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "Client {ClientId}: subscribed to {Resource} until {ExpiresAt}"
    )]
    private partial void LogCreated(Guid clientId, string resource, DateTimeOffset expiresAt);

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "Client {ClientId}: the subscription to {Resource} has vanished"
    )]
    private partial void LogGone(Guid clientId, string resource);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Client {ClientId}: no subscription to {Resource} for now, {Code}; polling goes on"
    )]
    private partial void LogFailed(Guid clientId, string resource, string code);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Subscriptions could not be claimed; trying again")]
    private partial void LogRoundFailed(Exception e);
}
