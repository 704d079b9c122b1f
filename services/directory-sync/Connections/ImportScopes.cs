using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Graph;
using Rollcall.DirectorySync.Sync;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Connections;

/// <summary>Which part of a client's directory is imported: shown, weighed and changed. The next full round applies it.</summary>
public sealed class ImportScopes(DirectoryDbContext db, SyncSignal signal, TimeProvider clock)
{
    public async Task<GetImportScopeResponse> GetAsync(Guid clientId, CancellationToken ct)
    {
        await using var transaction = await db.BeginAsync(ct);
        var connection = await FindAsync(clientId, ct);
        var counts = await CountAsync(clientId, inside: null, groups: null, ct);
        return new()
        {
            Scope = new()
            {
                People = connection.ImportPeople,
                PeopleGroupIds = { connection.ImportPeopleGroups.Select(g => g.ToString()) },
                Conditions =
                {
                    ImportRule
                        .FromJson(connection.ImportConditions)
                        .Terms.Select(t => new ImportCondition
                        {
                            Property = t.Property,
                            Operator = t.Operator,
                            Values = { t.Values },
                        }),
                },
                Groups = connection.ImportGroups,
                GroupIds = { connection.ImportGroupIds.Select(g => g.ToString()) },
            },
            Revision = connection.ImportRevision,
            ImportedPeople = counts.Living,
            OutsidePeople = counts.Known - counts.Living,
        };
    }

    public async Task<UpdateImportScopeResponse> UpdateAsync(
        Guid clientId,
        ImportChoice choice,
        long revision,
        bool dryRun,
        CancellationToken ct
    )
    {
        await using var transaction = await db.BeginAsync(ct);

        // One after the other, and none between a round's reading of the scope and its commit.
        await db.Database.ExecuteSqlAsync($"select 1 from client where client_id = {clientId} for update", ct);
        var connection = await FindAsync(clientId, ct);
        if (connection.ImportRevision != revision)
        {
            throw new AppException(
                StatusCode.Aborted,
                "IMPORT_SCOPE_STALE",
                "Somebody else set the import scope meanwhile; look at GetImportScope again"
            );
        }

        var everRead = await db.ClientSyncs.AnyAsync(s => s.ClientId == clientId && s.LastSuccessAt != null, ct);
        if (everRead)
        {
            await CheckGroupsAsync(clientId, [.. choice.PeopleGroups, .. choice.GroupIds], ct);
        }

        var matching = choice.People == ImportedPeople.Matching ? await MatchingAsync(clientId, choice.Rule, ct) : [];
        var response = await WeighAsync(clientId, choice, matching, ct);
        response.Unverified =
            !everRead
            || (
                choice.People == ImportedPeople.Matching
                && await db.OutsideUsers.AnyAsync(o => o.ClientId == clientId, ct)
            );
        response.Revision = dryRun ? revision : revision + 1;
        if (!dryRun)
        {
            await SaveAsync(connection, choice, matching, ct);
            await transaction.CommitAsync(ct);
            signal.Set();
        }

        return response;
    }

    private async Task CheckGroupsAsync(Guid clientId, List<Guid> wanted, CancellationToken ct)
    {
        var known = await db
            .Groups.Where(g => g.ClientId == clientId && !g.Removed && wanted.Contains(g.ObjectId))
            .Select(g => g.ObjectId)
            .ToListAsync(ct);
        if (wanted.Except(known).ToList() is [var missing, ..])
        {
            throw AppException.Precondition("IMPORT_GROUP_NOT_FOUND", $"The directory has no group {missing}");
        }
    }

    /// <summary>What the choice would do to the people we know of, by the memberships of the last sync.</summary>
    private async Task<UpdateImportScopeResponse> WeighAsync(
        Guid clientId,
        ImportChoice choice,
        Guid[] matching,
        CancellationToken ct
    )
    {
        var all = choice.People == ImportedPeople.All;
        var counts = await CountAsync(clientId, all ? null : matching, all ? null : [.. choice.PeopleGroups], ct);
        return new()
        {
            PeopleComingIn = counts.Inside - counts.Stay,
            PeopleGoingOut = counts.Living - counts.Stay,
            PeopleImported = counts.Inside,
            PeopleOutside = counts.Known - counts.Inside,
            BrakeReason = Brake.Reason(counts.Active, counts.ActiveOut, counts.LostThisWeek) ?? "",
        };
    }

    /// <summary>Of the people in the roster those whom the rule covers, by what is known of them.</summary>
    private async Task<Guid[]> MatchingAsync(Guid clientId, ImportRule rule, CancellationToken ct)
    {
        List<Guid> matching = [];
        var people = db
            .Users.AsNoTracking()
            .Where(u => u.ClientId == clientId && u.Authority == Source.Microsoft365 && u.ObjectId != null)
            .Where(u => u.State == UserState.Active || u.State == UserState.Disabled)
            .Select(u => new { u.ObjectId, u.Properties });
        await foreach (var person in people.AsAsyncEnumerable().WithCancellation(ct))
        {
            if (rule.Covers(PropertySet.FromJson(person.Properties)))
            {
                matching.Add(person.ObjectId!.Value);
            }
        }

        return [.. matching];
    }

    private async Task SaveAsync(Data.Connection connection, ImportChoice choice, Guid[] matching, CancellationToken ct)
    {
        connection.ImportConditions = choice.Rule.ToJson();
        (connection.ImportPeople, connection.ImportPeopleGroups) = (choice.People, choice.PeopleGroups);
        (connection.ImportGroups, connection.ImportGroupIds) = (choice.Groups, choice.GroupIds);
        connection.ImportRevision++;
        await db.SaveChangesAsync(ct);
        await db.Database.ExecuteSqlAsync(
            $"""
            delete from import_match where client_id = {connection.ClientId};
            insert into import_match (msp_id, client_id, object_id)
            select {connection.MspId}, {connection.ClientId}, unnest({matching});
            """,
            ct
        );

        // Names and properties of whoever comes in are with the directory alone, so everything is read again. The fence
        // keeps a round under way from ending with the cursors of the old scope.
        await db.Database.ExecuteSqlAsync(
            $"""
            update client_sync set users_cursor = null, groups_cursor = null, cursor_version = cursor_version + 1,
              fence = fence + 1, owner = null, next_at = now()
            where client_id = {connection.ClientId}
            """,
            ct
        );
    }

    /// <param name="inside">Who is inside; null: everybody is.</param>
    /// <param name="groups">Whose members are inside too.</param>
    private async Task<Counts> CountAsync(Guid clientId, Guid[]? inside, Guid[]? groups, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(CountSql, (NpgsqlConnection)db.Database.GetDbConnection());
        command.Parameters.AddWithValue("client", clientId);
        command.Parameters.AddWithValue("all", inside is null);
        command.Parameters.AddWithValue("inside", inside ?? []);
        command.Parameters.AddWithValue("peoplegroups", groups ?? []);
        command.Parameters.AddWithValue("people", RosterWriter.PeopleKinds);
        command.Parameters.AddWithValue("now", clock.GetUtcNow());
        await using var reader = await command.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        return new(
            reader.GetInt32(0),
            reader.GetInt32(1),
            reader.GetInt32(2),
            reader.GetInt32(3),
            reader.GetInt32(4),
            reader.GetInt32(5),
            reader.GetInt32(6)
        );
    }

    private async Task<Data.Connection> FindAsync(Guid clientId, CancellationToken ct) =>
        await db.Connections.SingleOrDefaultAsync(c => c.ClientId == clientId, ct)
        ?? throw AppException.NotFound("connection", clientId);

    /// <param name="Known">People of the directory: in the roster or outside.</param>
    /// <param name="Living">Of them, those in the roster.</param>
    /// <param name="Inside">Of all, those the scope covers.</param>
    /// <param name="Stay">In the roster and covered.</param>
    /// <param name="Active">Active people, as the brake counts them.</param>
    /// <param name="ActiveOut">Of them, those not covered.</param>
    private sealed record Counts(
        int Known,
        int Living,
        int Inside,
        int Stay,
        int Active,
        int ActiveOut,
        int LostThisWeek
    );

    /// <summary>State 1 active, 2 disabled; authority 1 Microsoft 365.</summary>
    private const string CountSql = $"""
        with members as ({ImportFilter.OfGroups} union select unnest(@inside)),
        known as (
          select object_id, state = 1 and kind = any (@people) as active, true as living
          from directory_user where client_id = @client and authority = 1 and state in (1, 2)
          union all
          select object_id, false, false from outside_user where client_id = @client),
        judged as (select k.*, @all or m.object_id is not null as inside from known k left join members m using (object_id))
        select count(*)::int, (count(*) filter (where living))::int, (count(*) filter (where inside))::int,
          (count(*) filter (where living and inside))::int,
          (select count(*) from directory_user where client_id = @client and state = 1 and kind = any (@people))::int,
          (count(*) filter (where active and not inside))::int,
          (select count(distinct user_id) from sync_event where client_id = @client and action = 3
             and reason_code not in ('NOT_FOUND', 'OUTSIDE_WHILE_DISABLED') and occurred_at > @now - interval '7 days')::int
        from judged
        """;
}
