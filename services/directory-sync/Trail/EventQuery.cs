using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Data;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Trail;

/// <summary>Which events of a client are asked for; null, empty and unspecified ask for all.</summary>
public sealed record EventFilter(
    Guid ClientId,
    Guid? RunId,
    Guid? UserId,
    Guid? GroupId,
    SyncAction Action,
    SyncStatus Status,
    string ReasonCode,
    DateTimeOffset? From,
    DateTimeOffset? To
)
{
    public static EventFilter Of(ListSyncEventsRequest r) =>
        new(
            Requests.Id(r.ClientId, "client_id"),
            Requests.OptionalId(r.SyncRunId, "sync_run_id"),
            Requests.OptionalId(r.UserId, "user_id"),
            Requests.OptionalId(r.GroupId, "group_id"),
            r.Action,
            r.Status,
            r.ReasonCode,
            Time(r.FromTime, "from_time"),
            Time(r.ToTime, "to_time")
        );

    public static EventFilter Of(ExportSyncEventsRequest r) =>
        new(
            Requests.Id(r.ClientId, "client_id"),
            Requests.OptionalId(r.SyncRunId, "sync_run_id"),
            Requests.OptionalId(r.UserId, "user_id"),
            Requests.OptionalId(r.GroupId, "group_id"),
            r.Action,
            r.Status,
            r.ReasonCode,
            Time(r.FromTime, "from_time"),
            Time(r.ToTime, "to_time")
        );

    /// <summary>For the head of an export.</summary>
    public string Words()
    {
        string?[] parts =
        [
            RunId is { } run ? $"run {run}" : null,
            UserId is { } user ? $"user {user}" : null,
            GroupId is { } group ? $"group {group}" : null,
            Action == SyncAction.Unspecified ? null : $"action {Action}",
            Status == SyncStatus.Unspecified ? null : $"status {Status}",
            ReasonCode.Length == 0 ? null : $"reason {ReasonCode}",
            From is { } from ? $"from {from:O}" : null,
            To is { } to ? $"before {to:O}" : null,
        ];
        var said = parts.OfType<string>().ToList();
        return said.Count == 0 ? "all events" : string.Join(", ", said);
    }

    private static DateTimeOffset? Time(Timestamp? value, string field) =>
        value is null ? null : Requests.Time(value, field);
}

/// <summary>Where a page of events ends. Time first: it is what the table is divided by.</summary>
public sealed record EventKey(DateTimeOffset OccurredAt, Guid Id)
{
    public static EventKey Of(SyncEventRow row) => new(row.OccurredAt, row.Id);

    public static EventKey? Parse(string? key)
    {
        if (key is null)
        {
            return null;
        }

        return
            key.Split(' ') is [var ticks, var id]
            && long.TryParse(ticks, NumberStyles.None, CultureInfo.InvariantCulture, out var at)
            && Guid.TryParse(id, out var guid)
            ? new(new(at, TimeSpan.Zero), guid)
            : throw AppException.Invalid("page_token", "was not made by this service");
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{OccurredAt.UtcTicks} {Id}");
}

/// <summary>Reads the trail, newest first, a page at a time.</summary>
public static class EventQuery
{
    /// <summary>Hosts' clocks differ: who was asked for a run may be ahead of who made it.</summary>
    private static readonly TimeSpan ClockSkew = TimeSpan.FromHours(1);

    /// <returns>The run that is asked for; null for the events of all of them, or if there is no such run.</returns>
    public static async Task<SyncRunRow?> RunAsync(DirectoryDbContext db, EventFilter filter, CancellationToken ct) =>
        filter.RunId is null
            ? null
            : await db
                .SyncRuns.AsNoTracking()
                .SingleOrDefaultAsync(r => r.ClientId == filter.ClientId && r.Id == filter.RunId, ct);

    /// <param name="run">From <see cref="RunAsync"/>. The events of a dry one never happened and lie elsewhere.</param>
    public static async Task<List<SyncEventRow>> PageAsync(
        DirectoryDbContext db,
        EventFilter filter,
        SyncRunRow? run,
        EventKey? before,
        int size,
        CancellationToken ct
    )
    {
        IQueryable<SyncEventRow> events = run?.IsPreview == true ? db.SyncPreviews : db.SyncEvents;
        events = events
            .AsNoTracking()
            .Where(e => e.ClientId == filter.ClientId)
            .Where(e => filter.RunId == null || e.RunId == filter.RunId)
            .Where(e => filter.UserId == null || e.UserId == filter.UserId)
            .Where(e => filter.GroupId == null || e.GroupId == filter.GroupId)
            .Where(e => filter.Action == SyncAction.Unspecified || e.Action == filter.Action)
            .Where(e => filter.Status == SyncStatus.Unspecified || e.Status == filter.Status)
            .Where(e => filter.ReasonCode == "" || e.ReasonCode == filter.ReasonCode)
            .Where(e => filter.From == null || e.OccurredAt >= filter.From)
            .Where(e => filter.To == null || e.OccurredAt < filter.To);
        if (filter.RunId is not null)
        {
            if (run is null)
            {
                return [];
            }

            // Found by their time, as all others are: an index by run would cost each event a third of its writing.
            events = events.Where(e =>
                e.OccurredAt >= run.StartedAt - ClockSkew && (run.FinishedAt == null || e.OccurredAt <= run.FinishedAt)
            );
        }

        if (before is not null)
        {
            events = events.Where(e =>
                EF.Functions.LessThan(
                    ValueTuple.Create(e.OccurredAt, e.Id),
                    ValueTuple.Create(before.OccurredAt, before.Id)
                )
            );
        }

        return await events.OrderByDescending(e => e.OccurredAt).ThenByDescending(e => e.Id).Take(size).ToListAsync(ct);
    }
}
