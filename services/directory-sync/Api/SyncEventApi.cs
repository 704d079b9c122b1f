using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Trail;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Api;

/// <summary>The trail: what runs did to each object.</summary>
public sealed partial class SyncApi
{
    public override async Task<ListSyncEventsResponse> ListSyncEvents(
        ListSyncEventsRequest request,
        ServerCallContext context
    )
    {
        var ct = context.CancellationToken;
        var filter = EventFilter.Of(request);
        var size = Requests.PageSize(request.PageSize);
        var before = EventKey.Parse(PageToken.Read(request.PageToken, request));

        await using var transaction = await db.BeginAsync(ct);
        var run = await EventQuery.RunAsync(db, filter, ct);
        var rows = await EventQuery.PageAsync(db, filter, run, before, size + 1, ct);

        return new()
        {
            Events = { rows.Take(size).Select(r => ToProto(r, run)) },
            NextPageToken = rows.Count > size ? PageToken.Write($"{EventKey.Of(rows[size - 1])}", request) : "",
        };
    }

    public override async Task ExportSyncEvents(
        ExportSyncEventsRequest request,
        IServerStreamWriter<ExportSyncEventsResponse> responseStream,
        ServerCallContext context
    )
    {
        var ct = context.CancellationToken;
        var filter = EventFilter.Of(request);
        var (head, run) = await HeadAsync(filter, ct);
        var json = request.Format == SyncEventFormat.JsonLines;
        await responseStream.WriteAsync(
            new() { FileName = $"sync-events-{filter.ClientId}.{(json ? "jsonl" : "csv")}" },
            ct
        );

        await using EventFile file = json ? new JsonEventFile() : new CsvEventFile();
        await file.BeginAsync(head, ct);
        EventKey? before = null;
        do
        {
            List<SyncEventRow> rows;

            // A transaction per page, never one as long as the stream.
            await using (await db.BeginAsync(ct))
            {
                rows = await EventQuery.PageAsync(db, filter, run, before, Requests.MaxPageSize, ct);
            }

            foreach (var row in rows)
            {
                await file.AddAsync(ToProto(row, run), ct);
            }

            before = rows.Count == Requests.MaxPageSize ? EventKey.Of(rows[^1]) : null;
            await responseStream.WriteAsync(new() { Chunk = await file.TakeAsync(ct) }, ct);
        } while (before is not null);
    }

    public override async Task<ListEscrowedResponse> ListEscrowed(
        ListEscrowedRequest request,
        ServerCallContext context
    )
    {
        var ct = context.CancellationToken;
        var clientId = Requests.Id(request.ClientId, "client_id");
        var size = Requests.PageSize(request.PageSize);
        var after = PageToken.ReadId(request.PageToken, request) ?? Guid.Empty;

        await using var transaction = await db.BeginAsync(ct);
        var (objects, last) = await escrow.ListAsync(clientId, request.ReasonCode, after, size, ct);

        return new()
        {
            Objects = { objects },
            NextPageToken = last is { } id ? PageToken.Write(id.ToString(), request) : "",
        };
    }

    private async Task<(ExportHead Head, SyncRunRow? Run)> HeadAsync(EventFilter filter, CancellationToken ct)
    {
        await using var transaction = await db.BeginAsync(ct);
        var client = await db.Clients.FindAsync([filter.ClientId], ct);
        var run = await EventQuery.RunAsync(db, filter, ct);
        var preview = run?.IsPreview == true;
        return (new(client!.DisplayName, filter.ClientId, filter.Words(), clock.GetUtcNow(), preview), run);
    }

    private static SyncEvent ToProto(SyncEventRow row, SyncRunRow? run)
    {
        var proto = new SyncEvent
        {
            Id = row.Id.ToString(),
            SyncRunId = row.RunId.ToString(),
            OccurTime = row.OccurredAt.ToTimestamp(),
            Action = row.Action,
            Status = row.Status,
            UserId = row.UserId?.ToString() ?? "",
            GroupId = row.GroupId?.ToString() ?? "",
            DisplayName = row.DisplayName,
            ReasonCode = row.ReasonCode,
            Preview = run?.IsPreview == true,
        };
        foreach (var change in JsonSerializer.Deserialize<List<Change>>(row.Changes ?? "[]")!)
        {
            proto.Changes.Add(
                new PropertyChange
                {
                    Property = change.p,
                    OldValue = change.o ?? "",
                    NewValue = change.n ?? "",
                }
            );
        }

        return proto;
    }

    /// <summary>As UserChange.ChangesJson writes it.</summary>
#pragma warning disable IDE1006 // the column's short names
    private sealed record Change(string p, string? o, string? n);
#pragma warning restore IDE1006
}
