using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Notification.V1;
using Rollcall.Api.Ops.V1;
using Rollcall.Notification.Data;
using Rollcall.Platform;

namespace Rollcall.Notification.Alerts;

/// <summary>The platform's own alerts: one open per key, however many tenants meet the trouble at once.</summary>
public sealed class PlatformAlertBook(NotificationDbContext db, TimeProvider clock)
{
    /// <summary>For work that belongs to no tenant. No MSP has this id: under it every tenant table is empty.</summary>
    public static readonly Tenant Nobody = Tenant.Client(Guid.Empty, Guid.Empty);

    /// <param name="subject">Whom it concerns; it is over when <see cref="ClearAsync"/> has named them all. Null: nobody in particular.</param>
    public async Task RaiseAsync(PlatformTrouble trouble, Guid? subject, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        await db.Database.ExecuteSqlAsync(
            $"""
            insert into platform_alert as a (id, dedupe_key, condition, state, severity, summary, problem, remedy,
              error_code, first_seen_at, last_seen_at, occurrences)
            values ({Guid.CreateVersion7()}, {trouble.DedupeKey}, {trouble.Condition}, {nameof(AlertState.Open)},
              {nameof(Severity.High)}, {trouble.Summary}, {trouble.Problem}, {trouble.Remedy}, {trouble.ErrorCode},
              {now}, {now}, 1)
            on conflict (dedupe_key) where state <> 'Resolved' do update
            set last_seen_at = excluded.last_seen_at, occurrences = a.occurrences + 1, error_code = excluded.error_code
            """,
            ct
        );
        if (subject is { } id)
        {
            await db.Database.ExecuteSqlAsync(
                $"""
                insert into platform_alert_subject (dedupe_key, subject_id) values ({trouble.DedupeKey}, {id})
                on conflict do nothing
                """,
                ct
            );
        }
    }

    /// <summary>The trouble no longer concerns the subject; the alert is resolved with its last one.</summary>
    public async Task ClearAsync(string dedupeKey, Guid subject, CancellationToken ct)
    {
        var cleared = await db
            .PlatformAlertSubjects.Where(s => s.DedupeKey == dedupeKey && s.SubjectId == subject)
            .ExecuteDeleteAsync(ct);
        if (cleared == 0)
        {
            return;
        }

        // Locked first, so that of two last ones leaving at once the second sees the first gone.
        await db.Database.ExecuteSqlAsync(
            $"select 1 from platform_alert where dedupe_key = {dedupeKey} and state <> 'Resolved' for update",
            ct
        );
        var now = clock.GetUtcNow();
        await db
            .PlatformAlerts.Where(a =>
                a.DedupeKey == dedupeKey
                && a.State != AlertState.Resolved
                && !db.PlatformAlertSubjects.Any(s => s.DedupeKey == dedupeKey)
            )
            .ExecuteUpdateAsync(
                s =>
                    s.SetProperty(a => a.State, AlertState.Resolved)
                        .SetProperty(a => a.ResolvedAt, now)
                        .SetProperty(a => a.Resolution, "Nobody is concerned any more"),
                ct
            );
    }
}

/// <summary>Trouble of the platform, in words without any tenant's data.</summary>
public sealed record PlatformTrouble(
    string DedupeKey,
    string Condition,
    string Summary,
    string Problem,
    string Remedy,
    string ErrorCode
)
{
    private const string CredentialBadKey = "platform:CREDENTIAL_BAD";
    private const string DatabaseDownKey = "platform:DATABASE_DOWN";

    /// <summary>Of what a client's health can say about us. Always gone through in this order, so that no two wait for each other.</summary>
    public static readonly IReadOnlyList<string> HealthKeys = [CredentialBadKey, DatabaseDownKey];

    public static PlatformTrouble MailServerDown { get; } =
        new(
            "platform:MAIL_SERVER_DOWN",
            "MAIL_SERVER_DOWN",
            "The mail server cannot be used",
            "The mail server has not taken mail for more than a minute. Mails wait and go out by themselves.",
            "Check the server, its address, and the user and certificate Rollcall signs in with.",
            ""
        );

    /// <summary>Ours to mend, for all clients at once. Null when a client's health is about the client itself.</summary>
    public static PlatformTrouble? Of(SyncHealth health) =>
        health switch
        {
            { State: HealthState.CredentialBad } => new(
                CredentialBadKey,
                "CREDENTIAL_BAD",
                "Microsoft refuses Rollcall's own credential",
                "The certificate or federated credential of Rollcall's app is refused. No directory is read; nobody is removed.",
                "Renew the app's credential and restart directory-sync. Clients need not do anything.",
                health.ErrorCode
            ),
            { Owner: FixOwner.Platform } when health.ErrorCode.StartsWith("DATABASE_", StringComparison.Ordinal) => new(
                DatabaseDownKey,
                "DATABASE_DOWN",
                "Directory sync cannot write to its database",
                "What is read from the directories cannot be kept. Nobody is removed; reading goes on by itself.",
                "See to the database of directory-sync: its disk (DATABASE_FULL), whether it answers (DATABASE_UNAVAILABLE), why it crashed (DATABASE_RECOVERED). Clients need not do anything.",
                health.ErrorCode
            ),
            _ => null,
        };

    public static PlatformTrouble Of(AlarmRaised alarm) =>
        alarm.Kind switch
        {
            AlarmKind.OutboxDead => new(
                Key(alarm),
                "OUTBOX_DEAD",
                Short($"{alarm.Service} could not publish {alarm.Subject}"),
                "An event could not be published in many tries and lies in outbox_dead.",
                "Mend the cause, then move the row from outbox_dead back to outbox.",
                alarm.Error
            ),
            _ => new(
                Key(alarm),
                "POISON_MESSAGE",
                Short($"{alarm.Service} cannot handle messages of {alarm.Subject}"),
                "A message failed in a way that would come again and was moved to the queue's _error queue.",
                $"Mend the cause, then run the service with --redrive.",
                alarm.Error
            ),
        };

    private static string Key(AlarmRaised alarm) => $"platform:{alarm.Kind}:{alarm.Service}:{alarm.Subject}";

    private static string Short(string text) => text.Length <= 100 ? text : text[..100];
}
