using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Graph;
using Rollcall.DirectorySync.Mailboxes;

namespace Rollcall.DirectorySync.Sync;

/// <summary>
/// Changes the kind of accounts inside the caller's transaction, without a sync. The client's row lock orders it among
/// the syncs, so that none of them decides on what it read before.
/// </summary>
public sealed class KindChanges(DirectoryDbContext db, SyncLease lease, DateTimeOffset now)
{
    private readonly SyncRunRow run = new()
    {
        MspId = lease.MspId,
        ClientId = lease.ClientId,
        Mode = SyncMode.Delta,
        State = SyncRunState.Succeeded,
        StartedAt = now,
        FinishedAt = now,
    };

    /// <summary>Keeps what was read of mailboxes, and suggests other kinds where that says so.</summary>
    /// <returns>The roster version made; 0 for none.</returns>
    public async Task<long> LearnAsync(List<MailboxReading> readings, CancellationToken ct)
    {
        var writer = await BeginAsync(ct);
        await KeepAsync(readings, ct);
        var learned = readings.Where(r => r.Purpose is not null).Select(r => r.UserId).ToArray();
        var users = await db
            .Users.AsNoTracking()
            .Where(u => u.ClientId == lease.ClientId && learned.Contains(u.UserId))
            .ToListAsync(ct);
        List<KindChange> changes = [.. users.Select(Suggest).OfType<KindChange>()];
        if (changes.Count == 0)
        {
            return 0;
        }

        changes = await BrakeAsync(changes, users, ct);
        await writer.SuggestKindsAsync(changes, ct);
        return await PublishAsync(writer, changes.Count, ct);
    }

    /// <param name="decision">Null takes the decision back.</param>
    /// <returns>The roster version made; 0 if nothing changed; null if there is no such user.</returns>
    public async Task<long?> DecideAsync(Guid userId, KindDecision? decision, CancellationToken ct)
    {
        var writer = await BeginAsync(ct);
        var user = await db
            .Users.AsNoTracking()
            .SingleOrDefaultAsync(u => u.ClientId == lease.ClientId && u.UserId == userId, ct);
        if (user is null)
        {
            return null;
        }

        if (user.DecidedKind == decision?.Kind && user.KindReason == decision?.Reason)
        {
            return 0;
        }

        var changes = Changes(
            ("kind", Name(user.Kind), Name(decision?.Kind ?? user.SuggestedKind)),
            ("kindDecidedBy", user.KindDecidedBy, decision?.DecidedBy),
            ("kindReason", user.KindReason, decision?.Reason)
        );
        var code =
            decision is null ? "KIND_CLEARED"
            : decision.Kind == user.SuggestedKind ? "KIND_CONFIRMED"
            : "KIND_OVERRULED";
        await writer.DecideKindAsync(userId, decision, changes, code, ct);
        return await PublishAsync(writer, 1, ct);
    }

    /// <summary>Who is no person any more loses scope like a leaver, so the same limits hold: beyond them people decide.</summary>
    private async Task<List<KindChange>> BrakeAsync(
        List<KindChange> changes,
        List<DirectoryUser> users,
        CancellationToken ct
    )
    {
        var people = RosterWriter.PeopleKinds.Select(k => (AccountKind)k).ToArray();
        var lost = users
            .Where(u => u.State == UserState.Active && u.DecidedKind is null && people.Contains(u.Kind))
            .Join(changes.Where(c => !people.Contains(c.Kind)), u => u.UserId, c => c.UserId, (u, _) => u)
            .ToDictionary(u => u.UserId, u => u.Kind);
        var active = await db.Users.CountAsync(
            u => u.ClientId == lease.ClientId && u.State == UserState.Active && people.Contains(u.Kind),
            ct
        );
        var week = now.AddDays(-7);
        var lostThisWeek = await db
            .SyncEvents.Where(e => e.ClientId == lease.ClientId && e.OccurredAt > week)
            .Where(e => e.Action == SyncAction.Removed || e.ReasonCode == "MAILBOX_PURPOSE")
            .Select(e => e.UserId)
            .Distinct()
            .CountAsync(ct);
        return Brake.Reason(active, lost.Count, lostThisWeek) is null
            ? changes
            : changes.ConvertAll(c => lost.TryGetValue(c.UserId, out var kind) ? c with { Held = kind } : c);
    }

    private async Task<RosterWriter> BeginAsync(CancellationToken ct)
    {
        // Not a full round: nobody is missing because he is not named here.
        var partial = lease with
        {
            UsersCursor = "",
            GroupsCursor = "",
        };
        var writer = new RosterWriter((NpgsqlConnection)db.Database.GetDbConnection(), partial, run.Id, now);
        await writer.BeginAsync(ct);
        return writer;
    }

    private async Task<long> PublishAsync(RosterWriter writer, int count, CancellationToken ct)
    {
        (run.Changed, run.RosterVersion) = (count, await writer.PublishAsync(new(db), ct));
        db.SyncRuns.Add(run);
        await db.SaveChangesAsync(ct);
        return run.RosterVersion;
    }

    private Task<int> KeepAsync(List<MailboxReading> readings, CancellationToken ct)
    {
        var users = readings.Select(r => r.UserId).ToArray();
        var purposes = readings.Select(r => r.Purpose).ToArray();
        var due = readings.Select(r => now + r.ReadAgainIn).ToArray();
        return db.Database.ExecuteSqlAsync(
            $"""
            update directory_user u set mailbox_due_at = r.due, mailbox_purpose = coalesce(r.purpose, u.mailbox_purpose),
              mailbox_read_at = case when r.purpose is null then u.mailbox_read_at else {now} end
            from unnest({users}, {purposes}, {due}) r (user_id, purpose, due)
            where u.client_id = {lease.ClientId} and u.user_id = r.user_id
            """,
            ct
        );
    }

    /// <summary>Another word for the same person is no reason for a roster version.</summary>
    private static KindChange? Suggest(DirectoryUser user)
    {
        var (kind, evidence) = AccountKinds.Suggest(PropertySet.FromJson(user.Properties), user.MailboxPurpose);
        return kind == user.SuggestedKind && (evidence == user.KindEvidence || kind == AccountKind.Person)
            ? null
            : new(
                user.UserId,
                kind,
                evidence,
                Changes(
                    ("suggestedKind", Name(user.SuggestedKind), Name(kind)),
                    ("kind", Name(user.Kind), Name(user.DecidedKind ?? kind)),
                    ("kindEvidence", user.KindEvidence, evidence)
                )
            );
    }

    private static string Changes(params (string Property, string? Old, string? New)[] changes) =>
        JsonSerializer.Serialize(
            changes
                .Where(c => c.Old != c.New)
                .Select(c => new
                {
                    p = c.Property,
                    o = c.Old,
                    n = c.New,
                })
        );

    private static string Name(AccountKind kind) => kind.ToString();
}
