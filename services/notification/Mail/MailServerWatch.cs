using Rollcall.Notification.Alerts;
using Rollcall.Notification.Data;
using Rollcall.Platform;

namespace Rollcall.Notification.Mail;

/// <summary>Tells the platform's people when the mail server has been unusable for a while, and when it is back.</summary>
public sealed class MailServerWatch(IServiceScopeFactory scopes)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private long? downSince;

    /// <summary>True at first: a predecessor of this process may have raised it.</summary>
    private bool mayBeRaised = true;

    public async Task DownAsync(CancellationToken ct)
    {
        downSince ??= TimeProvider.System.GetTimestamp();
        if (TimeProvider.System.GetElapsedTime(downSince.Value) >= Patience)
        {
            mayBeRaised = true;
            await WriteAsync(book => book.RaiseAsync(PlatformTrouble.MailServerDown, Guid.Empty, ct), ct);
        }
    }

    public async Task UpAsync(CancellationToken ct)
    {
        downSince = null;
        if (mayBeRaised)
        {
            await WriteAsync(book => book.ClearAsync(PlatformTrouble.MailServerDown.DedupeKey, Guid.Empty, ct), ct);
            mayBeRaised = false;
        }
    }

    private async Task WriteAsync(Func<PlatformAlertBook, Task> write, CancellationToken ct)
    {
        await using var scope = scopes.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<TenantContext>().Enter(PlatformAlertBook.Nobody);
        var db = scope.ServiceProvider.GetRequiredService<NotificationDbContext>();
        await using var transaction = await db.BeginAsync(ct);
        await write(scope.ServiceProvider.GetRequiredService<PlatformAlertBook>());
        await transaction.CommitAsync(ct);
    }
}
