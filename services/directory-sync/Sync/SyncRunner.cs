using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Graph;
using Rollcall.DirectorySync.Health;
using Rollcall.DirectorySync.Mailboxes;
using Rollcall.DirectorySync.Trail;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Sync;

/// <summary>
/// Runs one sync of one client: reads a whole round, then applies it in one transaction with cursors, events and
/// health. Whatever goes wrong before the commit leaves roster and cursors as they were.
/// </summary>
public sealed partial class SyncRunner(
    IServiceScopeFactory scopes,
    RoundReader reader,
    QuietRounds quietRounds,
    PersonSync persons,
    ProgressBoard board,
    GraphPeople people,
    Cursors cursors,
    EscrowReader escrow,
    ImportJudge judge,
    DryRun dryRun,
    MailboxRounds mailboxes,
    OwnTrouble trouble,
    TimeProvider clock,
    IOptions<SyncOptions> options,
    ILogger<SyncRunner> logger
) : IDisposable
{
    /// <summary>Rounds read by the hundred would otherwise all want a connection at once.</summary>
    private readonly SemaphoreSlim writers = new(options.Value.Writers);

    /// <param name="lease">With its cursors.</param>
    public async Task RunAsync(SyncLease lease, CancellationToken ct)
    {
        // The trace that ends with the mails this round leads to.
        using var activity = Telemetry.Source.StartActivity("sync");
        activity?.SetTag("rollcall.client", lease.ClientId);
        CrashPoints.Reach("after-claim");
        lease = lease.RequestedFull ? lease.Full() : lease;
        var runId = lease.RequestedRunId ?? Guid.CreateVersion7();
        var progress = new RunProgress(lease, runId, clock.GetUtcNow(), board);
        try
        {
            if (!await ServeAsync(lease, runId, ct))
            {
                await RoundAsync(lease, progress, ct);
            }

            trouble.Over(lease.ClientId);
        }
        catch (GraphException e)
        {
            LogFailed(lease.ClientId, e.Failure, e.Code);
            trouble.Over(lease.ClientId);
            await FailAsync(lease, progress, e, ct);
        }
        catch (Exception e) when (OwnTrouble.Of(e) is { } own)
        {
            // Told first: while the database cannot write, it cannot take the failure either, and the lease runs out.
            LogFailed(lease.ClientId, own.Failure, own.Code);
            trouble.Note(lease.ClientId, own);
            await FailAsync(lease, progress, own, ct);
        }
        finally
        {
            await progress.EndAsync();
        }
    }

    public void Dispose() => writers.Dispose();

    private async Task RoundAsync(SyncLease lease, RunProgress progress, CancellationToken ct)
    {
        (lease, var users, var groups) = await ReadAsync(lease, progress, ct);
        CrashPoints.Reach("after-read");
        if (IsQuiet(lease, users, groups))
        {
            await quietRounds.CompleteAsync(new(lease, users.DeltaLink, groups.DeltaLink), ct);
            progress.Succeed();
            mailboxes.Offer(lease, changed: false);
            return;
        }

        await progress.ApplyingAsync();
        var result = await ApplyAsync(lease, progress, users, groups, ct);
        progress.Succeed();
        CrashPoints.Reach("after-commit");
        mailboxes.Offer(lease, changed: result.RosterVersion > 0);
        if (!result.ReadAll)
        {
            await cursors.CacheAsync([new(lease, users.DeltaLink, groups.DeltaLink)]);
            CrashPoints.Reach("after-cache");
        }

        LogApplied(lease, users.Count + groups.Count, result);
    }

    private void LogApplied(SyncLease lease, int pages, RoundResult r)
    {
        if (r.RosterVersion > 0 || r.Staged > 0)
        {
            LogApplied(lease.ClientId, r.RosterVersion, pages, r.Added, r.Changed, r.Removed, r.Staged);
        }
    }

    /// <summary>The round, and before it what escrow is due to have read again.</summary>
    private async Task<(SyncLease Lease, StreamPages Users, StreamPages Groups)> ReadAsync(
        SyncLease lease,
        RunProgress progress,
        CancellationToken ct
    )
    {
        var again = await escrow.ReadAsync(lease, ct);
        lease = again is { ReadAll: true } ? lease.Full() : lease;
        var (users, groups) = await reader.ReadAsync(lease, progress, ct);
        users = users with { Again = again };
        return (lease, users with { Verdicts = await judge.JudgeAsync(lease, users, ct) }, groups);
    }

    /// <summary>Nothing new, nobody waits for an answer, and the client was well before: only its lease row has news.</summary>
    private static bool IsQuiet(SyncLease lease, StreamPages users, StreamPages groups) =>
        lease is { IsFull: false, Failures: 0, LastSuccessAt: not null, RequestedRunId: null, HasPages: false }
        && users.IsEmpty
        && groups.IsEmpty;

    private async Task<RoundResult> ApplyAsync(
        SyncLease lease,
        RunProgress progress,
        StreamPages users,
        StreamPages groups,
        CancellationToken ct
    )
    {
        var result = await ApplyAsync(lease, progress, users, groups, newcomers: [], ct);
        if (result.Unread.Count == 0)
        {
            return result;
        }

        // Their groups brought them into the import scope. Read outside the transaction, which starts again.
        var newcomers = await people.ReadAsync(lease.DirectoryTenantId, result.Unread, ct);
        return await ApplyAsync(lease, progress, users, groups, newcomers, ct);
    }

    private async Task<RoundResult> ApplyAsync(
        SyncLease lease,
        RunProgress progress,
        StreamPages users,
        StreamPages groups,
        Dictionary<Guid, UserEntry?> newcomers,
        CancellationToken ct
    )
    {
        using var turn = await TurnAsync(ct);
        await using var scope = scopes.Enter(lease);
        var db = scope.ServiceProvider.GetRequiredService<DirectoryDbContext>();
        var health = scope.ServiceProvider.GetRequiredService<HealthBook>();
        await using var transaction = await db.BeginAsync(ct);
        var connection = (NpgsqlConnection)db.Database.GetDbConnection();
        await ImportVerdicts.RecordAsync(users.Verdicts, connection, lease, ct);
        var quiet = !lease.IsFull && users.IsEmpty && groups.IsEmpty;
        var writer = new RosterWriter(
            connection,
            lease,
            progress.RunId,
            clock.GetUtcNow(),
            batchSize: options.Value.BatchSize
        );
        var result = quiet ? new RoundResult(0, 0, 0, 0, 0) : await writer.WriteAsync(db, users, groups, newcomers, ct);
        if (result.Unread.Count > 0)
        {
            return result;
        }

        var (next, nextGroups) = result.ReadAll ? (null, null) : (users.DeltaLink, groups.DeltaLink);
        await Leases.CompleteAsync(connection, lease, next, nextGroups, clock.GetUtcNow(), ct);
        CrashPoints.Reach("after-cursor");
        if (result.HasEvents || lease.RequestedRunId is not null)
        {
            var run = await RunRowAsync(db, lease, progress, ct);
            run.Succeed(result, users.Count + groups.Count, clock.GetUtcNow());
        }

        if (!quiet || lease.Failures > 0 || lease.LastSuccessAt is null)
        {
            await MarkConnectedAsync(db, health, lease, ct);
        }

        await db.SaveChangesAsync(ct);
        CrashPoints.Reach("before-commit");
        await transaction.CommitAsync(ct);
        await health.CommittedAsync();
        return result;
    }

    /// <returns>True if what was asked for is no round, and done.</returns>
    private async Task<bool> ServeAsync(SyncLease lease, Guid runId, CancellationToken ct)
    {
        switch (await StartRunAsync(lease, ct))
        {
            case { Person: { } person }:
                await persons.RunAsync(lease, runId, person, ct);
                return true;
            case { Mode: SyncMode.DryRun }:
                await dryRun.RunAsync(lease, runId, ct);
                return true;
            default:
                return false;
        }
    }

    private static async Task MarkConnectedAsync(
        DirectoryDbContext db,
        HealthBook health,
        SyncLease lease,
        CancellationToken ct
    )
    {
        await db
            .Connections.Where(c => c.ClientId == lease.ClientId && c.State == ConnectionState.Broken)
            .ExecuteUpdateAsync(c => c.SetProperty(x => x.State, ConnectionState.Connected), ct);
        await health.RecordAsync(lease.ClientId, await HealthBook.AfterSuccessAsync(db, lease.ClientId, ct), ct);
    }

    /// <returns>What was asked for; null for a poll by schedule.</returns>
    private async Task<SyncRunRow?> StartRunAsync(SyncLease lease, CancellationToken ct)
    {
        if (lease.RequestedRunId is not { } runId)
        {
            return null;
        }

        await using var scope = scopes.Enter(lease);
        var db = scope.ServiceProvider.GetRequiredService<DirectoryDbContext>();
        await using var transaction = await db.BeginAsync(ct);
        var run = await db.SyncRuns.SingleAsync(r => r.ClientId == lease.ClientId && r.Id == runId, ct);
        run.State = SyncRunState.Reading;
        await db.SaveChangesAsync(ct);
        await transaction.CommitAsync(ct);
        return run;
    }

    private static async Task<SyncRunRow> RunRowAsync(
        DirectoryDbContext db,
        SyncLease lease,
        RunProgress progress,
        CancellationToken ct
    )
    {
        var run = await db.SyncRuns.SingleOrDefaultAsync(
            r => r.ClientId == lease.ClientId && r.Id == progress.RunId,
            ct
        );
        if (run is null)
        {
            run = new()
            {
                Id = progress.RunId,
                MspId = lease.MspId,
                ClientId = lease.ClientId,
                Mode = lease.IsFull ? SyncMode.Full : SyncMode.Delta,
                State = SyncRunState.Applying,
                StartedAt = progress.StartedAt,
            };
            db.SyncRuns.Add(run);
        }

        run.Objects = progress.People;
        return run;
    }

    private async Task<Turn> TurnAsync(CancellationToken ct)
    {
        await writers.WaitAsync(ct);
        return new(writers);
    }

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "Client {ClientId}: roster version {Version} from {Pages} pages: {Added} added, {Changed} changed, {Removed} removed, {Staged} staged"
    )]
    private partial void LogApplied(
        Guid clientId,
        long version,
        int pages,
        int added,
        int changed,
        int removed,
        int staged
    );

    [LoggerMessage(Level = LogLevel.Warning, Message = "Client {ClientId}: sync failed, {Failure} {Code}")]
    private partial void LogFailed(Guid clientId, GraphFailure failure, string code);

    private sealed class Turn(SemaphoreSlim writers) : IDisposable
    {
        public void Dispose() => writers.Release();
    }
}
