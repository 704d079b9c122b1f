using Microsoft.EntityFrameworkCore;
using Npgsql;
using Rollcall.Platform;
using Rollcall.Reporting.Data;

namespace Rollcall.Reporting.Reports;

/// <summary>The instant a report is about.</summary>
/// <param name="Client">The client as it was known then.</param>
/// <param name="At">The end of the day, or now.</param>
/// <param name="Seen">What was observed before it counts. Now is infinity: everything that has arrived.</param>
public sealed record Moment(ClientInfo Client, TimeZoneInfo Zone, DateOnly Day, DateTimeOffset At, DateTimeOffset Seen)
{
    public bool IsNow => Seen == DateTimeOffset.MaxValue;

    /// <summary>Parameters of the report queries: @client, @seen and @at, each with the suffix.</summary>
    public NpgsqlParameter[] Parameters(string suffix = "") =>
        [
            new("client" + suffix, Client.ClientId),
            new("seen" + suffix, IsNow ? DateTime.MaxValue : Seen.UtcDateTime),
            new("at" + suffix, At),
        ];
}

/// <summary>Finds the moment a request asks about.</summary>
public sealed class Moments(ReportingDbContext db, IClientDirectory clients, TenantContext tenant, TimeProvider clock)
{
    /// <summary>Needs an open transaction. An empty day is today.</summary>
    public async Task<Moment> FindAsync(Guid clientId, string day, string field, CancellationToken ct)
    {
        var known = await KnownAsync(clientId, ct);
        var now = clock.GetUtcNow();
        var today = Days.Of(now, Zone(known[0].Client));
        var asked = day.Length == 0 ? today : Requests.Day(day, field);
        if (asked > today)
        {
            throw AppException.Invalid(field, "lies in the future");
        }

        // The zone that was in force when the day ended decides when that was.
        var client = known.FirstOrDefault(k => k.Since < Days.EndOf(asked, Zone(k.Client)), known[^1]).Client;
        var end = Days.EndOf(asked, Zone(client));
        return end > now
            ? new(client, Zone(client), asked, now, DateTimeOffset.MaxValue)
            : new(client, Zone(client), asked, end, end);
    }

    /// <summary>The start of a period's first day; null for an empty one: since the first sync.</summary>
    public async Task<DateTimeOffset?> StartAsync(Guid clientId, string day, Moment end, CancellationToken ct)
    {
        if (day.Length == 0)
        {
            return null;
        }

        var first = Requests.Day(day, "from");
        if (first > end.Day)
        {
            throw AppException.Invalid("from", "lies after as_of");
        }

        // A day starts when the one before it ends, in the zone of that time.
        return (await FindAsync(clientId, first.AddDays(-1).ToString("O", null), "from", ct)).At;
    }

    /// <summary>Two moments in their order.</summary>
    public async Task<(Moment Before, Moment After)> PairAsync(
        Guid clientId,
        string before,
        string after,
        CancellationToken ct
    )
    {
        var first = await FindAsync(clientId, Requests.Text(before, "before"), "before", ct);
        var second = await FindAsync(clientId, after, "after", ct);
        return first.Day < second.Day ? (first, second) : throw AppException.Invalid("before", "must be before after");
    }

    /// <summary>What the client was, newest first.</summary>
    private async Task<List<(ClientInfo Client, DateTimeOffset Since)>> KnownAsync(Guid clientId, CancellationToken ct)
    {
        var history = await db
            .Clients.AsNoTracking()
            .Where(c => c.ClientId == clientId)
            .OrderByDescending(c => c.Revision)
            .ToListAsync(ct);
        return history.Count > 0
            ? [.. history.Select(c => (ToInfo(c), c.ValidFrom))]
            :
            [
                (
                    await clients.FindAsync(tenant.MspId, clientId, ct)
                        ?? throw AppException.NotFound("client", clientId),
                    DateTimeOffset.MinValue
                ),
            ];
    }

    private static ClientInfo ToInfo(ClientHistory c) =>
        new(c.MspId, c.ClientId, c.DisplayName, c.TimeZone, c.MspDisplayName);

    private static TimeZoneInfo Zone(ClientInfo client) =>
        TimeZoneInfo.TryFindSystemTimeZoneById(client.TimeZone, out var zone) ? zone : TimeZoneInfo.Utc;
}
