using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Data;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Api;

/// <summary>Runs, past and under way.</summary>
public sealed partial class SyncApi
{
    private static readonly TimeSpan WatchEvery = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);

    public override async Task<GetSyncRunResponse> GetSyncRun(GetSyncRunRequest request, ServerCallContext context)
    {
        var clientId = Requests.Id(request.ClientId, "client_id");
        var runId = Requests.Id(request.SyncRunId, "sync_run_id");
        return new() { Run = await FindRunAsync(clientId, runId, context.CancellationToken) };
    }

    public override async Task<ListSyncRunsResponse> ListSyncRuns(
        ListSyncRunsRequest request,
        ServerCallContext context
    )
    {
        var clientId = Requests.Id(request.ClientId, "client_id");
        var size = Requests.PageSize(request.PageSize);
        var before = PageToken.ReadId(request.PageToken, request) ?? Guid.AllBitsSet;

        // Before the database: once it is gone from here, its row is there.
        var shown = await board.ReadAsync(tenant.MspId, clientId);
        await using var transaction = await db.BeginAsync(context.CancellationToken);
        var runs = await db
            .SyncRuns.AsNoTracking()
            .Where(r => r.ClientId == clientId && r.Id < before)
            .OrderByDescending(r => r.Id)
            .Take(size + 1)
            .ToListAsync(context.CancellationToken);

        var unasked =
            shown is { State: SyncRunState.Reading or SyncRunState.Applying }
            && request.PageToken.Length == 0
            && runs.TrueForAll(r => r.Id.ToString() != shown.Id);
        return new()
        {
            Runs = { unasked ? [shown!] : [], runs.Take(size).Select(r => ToProto(r, shown)) },
            NextPageToken = runs.Count > size ? PageToken.Write(runs[size - 1].Id.ToString(), request) : "",
        };
    }

    public override async Task WatchSyncRun(
        WatchSyncRunRequest request,
        IServerStreamWriter<WatchSyncRunResponse> responseStream,
        ServerCallContext context
    )
    {
        var ct = context.CancellationToken;
        var clientId = Requests.Id(request.ClientId, "client_id");
        var runId = Requests.Id(request.SyncRunId, "sync_run_id");
        SyncRun? last = null;
        var sentAt = 0L;
        while (last?.State is not (SyncRunState.Succeeded or SyncRunState.Failed))
        {
            var run = await FindRunAsync(clientId, runId, ct);
            if (!run.Equals(last) || TimeProvider.System.GetElapsedTime(sentAt) > Heartbeat)
            {
                await responseStream.WriteAsync(new() { Run = run }, ct);
                (last, sentAt) = (run, TimeProvider.System.GetTimestamp());
            }
            else
            {
                await Task.Delay(WatchEvery, ct);
            }
        }
    }

    private async Task<SyncRun> FindRunAsync(Guid clientId, Guid runId, CancellationToken ct)
    {
        // Before the database: once it is gone from here, its row is there.
        var shown = await board.ReadAsync(tenant.MspId, clientId);
        await using var transaction = await db.BeginAsync(ct);
        var run = await db
            .SyncRuns.AsNoTracking()
            .SingleOrDefaultAsync(r => r.ClientId == clientId && r.Id == runId, ct);
        return run is not null ? ToProto(run, shown)
            : shown?.Id == runId.ToString() ? shown
            : throw AppException.NotFound("sync_run", runId);
    }

    /// <summary>The run as recorded; while it goes on, as far as it shows itself.</summary>
    private static SyncRun ToProto(SyncRunRow row, SyncRun? shown)
    {
        var run = ToProto(row);
        if (
            shown is { State: SyncRunState.Reading or SyncRunState.Applying }
            && shown.Id == run.Id
            && run.State == SyncRunState.Reading
        )
        {
            (run.State, run.Pages, run.Objects) = (shown.State, shown.Pages, shown.Objects);
            (run.PeoplePerSecond, run.ExpectedPeople) = (shown.PeoplePerSecond, shown.ExpectedPeople);
            run.RemainingDuration = shown.RemainingDuration;
        }

        return run;
    }

    private static SyncRun ToProto(SyncRunRow run) =>
        new()
        {
            Id = run.Id.ToString(),
            Mode = run.Mode,
            State = run.State,
            StartTime = run.StartedAt.ToTimestamp(),
            FinishTime = run.FinishedAt?.ToTimestamp(),
            Pages = run.Pages,
            Objects = run.Objects,
            Added = run.Added,
            Changed = run.Changed,
            Removed = run.Removed,
            Staged = run.Staged,
            RosterVersion = run.RosterVersion,
            ErrorCode = run.ErrorCode,
            Problem = run.Problem,
            Person = run.Person ?? "",
        };
}
