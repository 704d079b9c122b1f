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

    /// <summary>The sync succeeds.</summary>
    public static async Task<SyncRun> SyncAsync(this ApiCaller caller, Company company, CancellationToken ct)
    {
        var run = await caller.RunSyncAsync(company, ct);
        Expect.That(
            run.State == SyncRunState.Succeeded,
            $"the sync of {company.Name} to succeed",
            $"{run.State} {run.ErrorCode} {run.Problem}"
        );
        return run;
    }

    /// <summary>What it did, for the console.</summary>
    public static string Figures(this SyncRun run) =>
        $"roster version {run.RosterVersion}: {run.Added} added, {run.Changed} changed, {run.Removed} removed, "
        + $"{run.Staged} staged, {run.Pages} pages";
}
