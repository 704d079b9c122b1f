using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Reporting.V1;
using Rollcall.Reporting.Data;

namespace Rollcall.Reporting.Reports;

/// <summary>What a report rests on, and what it lacks: nothing that is missing is kept quiet.</summary>
public sealed partial class BasisReport(
    ReportingDbContext db,
    SyncService.SyncServiceClient directory,
    TimeProvider clock,
    ILogger<BasisReport> logger
)
{
    private static readonly TimeSpan FreshnessDeadline = TimeSpan.FromSeconds(2);

    private const string Sql = $"""
        select
          coalesce(r.version, 0) as roster_version,
          r.valid_from as roster_at,
          coalesce((select max(policy_version) from scope_history where client_id = @client and valid_from < @seen), 0)
            as policy_version,
          coalesce((select max(roster_version) from scope_history where client_id = @client and valid_from < @seen), 0)
            as decided_version,
          coalesce((select max(version) from roster_part where client_id = @client), 0) as waiting_version,
          (select count(*) from ({Population.Sql}) p where standing = 'NotDecided') as undecided
        from (select 1) one
        left join lateral (
          select version, valid_from from roster_history
          where client_id = @client and valid_from < @seen
          order by version desc limit 1
        ) r on true
        """;

    /// <summary>Asks directory-sync; null if it does not answer. Outside any transaction.</summary>
    public async Task<RosterFreshness?> FreshnessAsync(Guid clientId, CancellationToken ct)
    {
        try
        {
            var answer = await directory.GetSyncHealthAsync(
                new() { ClientId = clientId.ToString() },
                // gRPC deadlines are wall-clock times of this machine, whatever the development clock says.
                deadline: TimeProvider.System.GetUtcNow().UtcDateTime + FreshnessDeadline,
                cancellationToken: ct
            );
            return new()
            {
                LastSuccessTime = answer.Health.LastSuccessTime,
                Health = answer.Health.State,
                Problem = answer.Health.Problem,
            };
        }
        catch (RpcException e) when (!ct.IsCancellationRequested)
        {
            LogNoFreshness(clientId, e.StatusCode);
            return null;
        }
    }

    /// <summary>Needs an open transaction, the same as the report's.</summary>
    public async Task<ReportBasis> OfAsync(Moment moment, RosterFreshness? freshness, CancellationToken ct)
    {
        var row = await db.Database.SqlQueryRaw<BasisRow>(Sql, [.. moment.Parameters()]).SingleAsync(ct);
        var gaps = Gaps(row, moment.IsNow).ToList();
        return new()
        {
            ClientId = moment.Client.ClientId.ToString(),
            ClientDisplayName = moment.Client.DisplayName,
            AsOf = moment.Day.ToString("O", null),
            AsOfTime = moment.At.ToTimestamp(),
            TimeZone = moment.Client.TimeZone,
            GenerateTime = clock.GetUtcNow().ToTimestamp(),
            RosterVersion = row.RosterVersion,
            RosterTime = row.RosterAt?.ToTimestamp(),
            PolicyVersion = row.PolicyVersion,
            DecidedRosterVersion = row.DecidedVersion,
            Complete = gaps.Count == 0,
            Notices = { gaps, Concerns(freshness) },
            Freshness = freshness,
        };
    }

    private static IEnumerable<string> Gaps(BasisRow row, bool isNow)
    {
        if (row.RosterVersion == 0)
        {
            yield return "No roster had arrived.";
        }

        if (isNow && row.WaitingVersion > row.RosterVersion)
        {
            yield return $"Roster version {row.WaitingVersion} has not arrived completely; "
                + $"the report rests on version {row.RosterVersion}.";
        }

        if (row.DecidedVersion < row.RosterVersion)
        {
            yield return $"Decisions rest on roster version {row.DecidedVersion}, the roster is at version "
                + $"{row.RosterVersion}: its changes may not be decided yet.";
        }

        if (row.DecidedVersion > row.RosterVersion)
        {
            yield return $"Decisions rest on roster version {row.DecidedVersion}, of the roster version "
                + $"{row.RosterVersion} has arrived.";
        }

        if (row.Undecided > 0)
        {
            yield return $"People in the roster who are not decided yet: {row.Undecided}.";
        }
    }

    private static IEnumerable<string> Concerns(RosterFreshness? freshness)
    {
        if (freshness is null)
        {
            yield return "How fresh the roster is could not be found out.";
        }
        else if (freshness.LastSuccessTime is null)
        {
            yield return "The directory has never been read successfully.";
        }

        if (freshness is { Problem.Length: > 0 })
        {
            yield return $"Sync: {freshness.Problem}";
        }
    }

    private sealed record BasisRow(
        long RosterVersion,
        DateTimeOffset? RosterAt,
        long PolicyVersion,
        long DecidedVersion,
        long WaitingVersion,
        long Undecided
    );

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Client {ClientId}: no sync health from directory-sync: {Status}"
    )]
    private partial void LogNoFreshness(Guid clientId, StatusCode status);
}
