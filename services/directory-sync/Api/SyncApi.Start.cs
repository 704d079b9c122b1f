using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Data;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Api;

/// <summary>What makes a sync come now: somebody asks, or Graph hints.</summary>
public sealed partial class SyncApi
{
    private const int MaxHints = 1000;

    public override async Task<StartSyncResponse> StartSync(StartSyncRequest request, ServerCallContext context)
    {
        var ct = context.CancellationToken;
        var clientId = Requests.Id(request.ClientId, "client_id");
        var requestId = Requests.OptionalId(request.RequestId, "request_id");
        var (mode, full) = ModeOf(request);

        await using var transaction = await db.BeginAsync(ct);
        var sync =
            await db.ClientSyncs.SingleOrDefaultAsync(s => s.ClientId == clientId && !s.Disabled, ct)
            ?? throw AppException.Precondition(
                "CONNECTION_MISSING",
                "The client is not connected; begin with BeginConsent"
            );
        if (await FindEarlierAsync(clientId, requestId, ct) is { } earlier)
        {
            return new() { Run = ToProto(earlier) };
        }

        var person = await PersonAsync(clientId, request, ct);
        var run = new SyncRunRow
        {
            MspId = tenant.MspId,
            ClientId = clientId,
            RequestId = requestId,
            Person = person,
            Mode = mode,
            State = SyncRunState.Queued,
            StartedAt = clock.GetUtcNow(),
            ResumeAt = sync.Owner is null ? sync.NextAt : null,
        };
        db.SyncRuns.Add(run);
        try
        {
            await db.SaveChangesAsync(ct);
        }
        catch (DbUpdateException e) when (e.IsUniqueViolation())
        {
            throw AppException.Precondition("SYNC_RUNNING", "A sync that was asked for is already under way");
        }

        await AskAsync(run, full, ct);
        await transaction.CommitAsync(ct);
        signal.Set();
        return new() { Run = ToProto(run) };
    }

    public override async Task<ReceiveHintsResponse> ReceiveHints(
        ReceiveHintsRequest request,
        ServerCallContext context
    )
    {
        if (request.Hints.Count > MaxHints)
        {
            throw AppException.Invalid("hints", $"must not be more than {MaxHints}");
        }

        await hints.ReceiveAsync(request.Hints, context.CancellationToken);

        return new();
    }

    private static (SyncMode Mode, bool Full) ModeOf(StartSyncRequest request) =>
        request.Mode switch
        {
            SyncMode.Unspecified or SyncMode.Delta => (SyncMode.Delta, false),
            SyncMode.Full => (SyncMode.Full, true),
            SyncMode.DryRun => (SyncMode.DryRun, request.DryRunFull),
            _ => throw AppException.Invalid("mode", "is not known"),
        };

    private Task<int> AskAsync(SyncRunRow run, bool full, CancellationToken ct) =>
        // A lease that runs keeps its time; its end makes the client due at once.
        db.Database.ExecuteSqlAsync(
            $"""
            update client_sync set requested_run_id = {run.Id}, requested_full = {full}, priority = 0,
              next_at = case when owner is null then now() else next_at end
            where client_id = {run.ClientId}
            """,
            ct
        );

    /// <summary>What Graph knows the person by; null if the request is about everybody.</summary>
    private async Task<string?> PersonAsync(Guid clientId, StartSyncRequest request, CancellationToken ct)
    {
        if (request.Person.Length == 0)
        {
            return null;
        }

        var person = Requests.Text(request.Person, "person", maxLength: 254);
        if (request.Mode is not (SyncMode.Unspecified or SyncMode.Delta))
        {
            throw AppException.Invalid("person", "goes with mode DELTA alone");
        }

        if (!Guid.TryParse(person, out var id))
        {
            return person.Contains('@', StringComparison.Ordinal) && !person.AsSpan().ContainsAny("/\\?%")
                ? person
                : throw AppException.Invalid(
                    "person",
                    "must be a user id, an Entra object id or a user principal name"
                );
        }

        var user = await db
            .Users.AsNoTracking()
            .SingleOrDefaultAsync(u => u.ClientId == clientId && u.UserId == id, ct);
        return user switch
        {
            null => id.ToString(),
            { Authority: Source.Microsoft365 } => user.ExternalId,
            _ => throw AppException.Precondition(
                "USER_NOT_IN_DIRECTORY",
                "The person comes from another source than the Microsoft 365 directory"
            ),
        };
    }

    private async Task<SyncRunRow?> FindEarlierAsync(Guid clientId, Guid? requestId, CancellationToken ct) =>
        requestId is null
            ? null
            : await db
                .SyncRuns.AsNoTracking()
                .SingleOrDefaultAsync(r => r.ClientId == clientId && r.RequestId == requestId, ct);
}
