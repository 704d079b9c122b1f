using Grpc.Core;
using Rollcall.Api.Directory.V1;

namespace Rollcall.Local;

/// <summary>A sync that somebody asks for and watches to its end.</summary>
public static class Syncing
{
    /// <summary>Whether it succeeds or fails.</summary>
    public static async Task<SyncRun> RunSyncAsync(
        this ApiCaller caller,
        Company company,
        CancellationToken ct,
        SyncMode mode = SyncMode.Delta
    )
    {
        var started = await caller.Syncs.StartSyncAsync(
            new() { ClientId = company.ClientId, Mode = mode },
            cancellationToken: ct
        );
        var run = started.Run;
        var deadline = TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(120);
        using var watch = caller.Syncs.WatchSyncRun(
            new() { ClientId = company.ClientId, SyncRunId = run.Id },
            deadline: deadline,
            cancellationToken: ct
        );
        await foreach (var progress in watch.ResponseStream.ReadAllAsync(ct))
        {
            run = progress.Run;
        }

        return run;
    }

    /// <summary>Whatever the directory did before this is not of the next <see cref="SyncAsync"/>.</summary>
    public static async Task LookAsync(this ApiCaller caller, Company company, CancellationToken ct) =>
        company.LastRun = (await RunsAsync(caller, company, ct)).FirstOrDefault()?.Id;

    /// <summary>
    /// The sync succeeds. Its figures are those of all runs since the last look: a notification may have brought one
    /// before this one, with the same changes.
    /// </summary>
    public static async Task<SyncRun> SyncAsync(this ApiCaller caller, Company company, CancellationToken ct)
    {
        var run = await caller.RunSyncAsync(company, ct);
        Expect.That(
            run.State == SyncRunState.Succeeded,
            $"the sync of {company.Name} to succeed",
            $"{run.State} {run.ErrorCode} {run.Problem}"
        );
        if (company.LastRun is not null)
        {
            foreach (var other in (await RunsAsync(caller, company, ct)).TakeWhile(r => r.Id != company.LastRun))
            {
                run = other.Id == run.Id ? run : Sum(run, other);
            }
        }

        await caller.LookAsync(company, ct);
        return run;
    }

    private static SyncRun Sum(SyncRun run, SyncRun other)
    {
        var sum = run.Clone();
        (sum.Added, sum.Changed) = (run.Added + other.Added, run.Changed + other.Changed);
        (sum.Removed, sum.Staged) = (run.Removed + other.Removed, run.Staged + other.Staged);
        (sum.Pages, sum.RosterVersion) = (run.Pages + other.Pages, Math.Max(run.RosterVersion, other.RosterVersion));
        return sum;
    }

    private static async Task<IEnumerable<SyncRun>> RunsAsync(ApiCaller caller, Company company, CancellationToken ct)
    {
        var list = await caller.Syncs.ListSyncRunsAsync(
            new() { ClientId = company.ClientId, PageSize = 100 },
            cancellationToken: ct
        );
        return list.Runs;
    }

    /// <summary>What it did, for the console.</summary>
    public static string Figures(this SyncRun run) =>
        $"roster version {run.RosterVersion}: {run.Added} added, {run.Changed} changed, {run.Removed} removed, "
        + $"{run.Staged} staged, {run.Pages} pages";
}
