using Microsoft.EntityFrameworkCore;
using Npgsql;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Graph;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Sync;

/// <summary>What a round did to the roster.</summary>
/// <param name="ReadAll">The next round must be a full one.</param>
/// <param name="HasEvents">It has something to say about somebody.</param>
public sealed record RoundResult(
    int Added,
    int Changed,
    int Removed,
    int Staged,
    long RosterVersion,
    bool ReadAll = false,
    bool HasEvents = false
)
{
    /// <summary>They came into the import scope, but only their ids are known: nothing may be committed without them.</summary>
    public List<Guid> Unread { get; init; } = [];
}

/// <summary>
/// Applies a round inside the caller's transaction, set by set: entries become changed rows (decided by
/// <see cref="UserChanges"/>), go by COPY into temporary tables, and from there into the roster. Temporary tables,
/// because COPY is refused on tables with row-level security.
/// </summary>
public sealed partial class RosterWriter(
    NpgsqlConnection connection,
    SyncLease lease,
    Guid runId,
    DateTimeOffset now,
    Source source = Source.Microsoft365,
    bool preview = false,
    int batchSize = RosterWriter.DefaultBatch
)
{
    // Numbers in the statements: state 1 active, 2 disabled, 3 removed, 4 purged; action 3 removed, 5 staged;
    // member type 1 user, 2 group (roster.proto, sync_service.proto, MemberType).

    public const int DefaultBatch = 1000;
    private const int BigRound = 5000;

    /// <summary>Of so few rows the planner need not know more than that they are few.</summary>
    private const int SmallRound = 200;

    private int added;
    private int changed;
    private int removed;
    private bool lost;
    private bool returned;
    private bool told;

    /// <summary>Entries of any kind that the round rests on.</summary>
    private int entries;
    private long rosterVersion;
    private Task underWay = Task.CompletedTask;

    /// <summary>Nothing of the client is in the roster yet: no need to look for it, but for what this round has written.</summary>
    private bool first;

    /// <summary>A whole round, from its pages to the new version.</summary>
    /// <param name="read">People an earlier try of this round found unread; see <see cref="RoundResult.Unread"/>.</param>
    public async Task<RoundResult> WriteAsync(
        DirectoryDbContext db,
        StreamPages users,
        StreamPages groups,
        Dictionary<Guid, UserEntry?> read,
        CancellationToken ct
    )
    {
        await BeginAsync(ct);
        try
        {
            await AddAsync(users, groups, read, ct);
        }
        finally
        {
            // Nothing may be under way on a connection that is to roll back.
            await WrittenAsync().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (users.StagedCount + groups.StagedCount > 0)
        {
            await db.StagedPages.Where(p => p.ClientId == lease.ClientId).ExecuteDeleteAsync(ct);
        }

        return await FinishAsync(new(db), ct);
    }

    /// <summary>Locks the client and prepares the temporary tables.</summary>
    public async Task BeginAsync(CancellationToken ct)
    {
        await RoundTables.PrepareAsync(connection, ct);
        rosterVersion = (long)
            (await ScalarAsync("select roster_version + 1 from client where client_id = @client for update", ct))!;
        scope = source == Source.Microsoft365 ? await ImportFilter.LoadAsync(connection, lease.ClientId, ct) : scope;
        first = (bool)(await ScalarAsync(NothingYet, ct))!;
    }

    private async Task AddAsync(
        StreamPages users,
        StreamPages groups,
        Dictionary<Guid, UserEntry?> read,
        CancellationToken ct
    )
    {
        await using var groupPages = groups.GroupsAsync(ct).GetAsyncEnumerator(ct);
        if (IsScoped)
        {
            // Who is imported hangs on the groups, and which links a full round drops hangs on who is there.
            while (await AddGroupsAsync(groupPages, ct)) { }
            await SeeUsersAsync(users, ct);
            await ApplyGroupsAsync(ct);
            await AddNewcomersAsync(read, ct);
        }

        if (users.Again is { } again)
        {
            retried = again.Subjects;
            await AddUsersAsync(again.Found, ct);
        }

        // Else by turns: pages of the one are parsed while those of the other are written.
        await foreach (var page in users.UsersAsync(ct))
        {
            await AddUsersAsync(page, ct);
            await AddGroupsAsync(groupPages, ct);
        }

        while (await AddGroupsAsync(groupPages, ct)) { }
    }

    /// <summary>Everything read is in: settles losses, groups and edges, and publishes the new version if there is one.</summary>
    public async Task<RoundResult> FinishAsync(RosterPublisher publisher, CancellationToken ct)
    {
        await WriteUsersAsync(pending.Count, ct);
        await WrittenAsync();
        await PlanAsync(ct);
        if (source == Source.Microsoft365 && !IsScoped)
        {
            await ApplyGroupsAsync(ct);
        }

        if (lease.IsFull && !first)
        {
            await ExecuteAsync(MissingUsers, ct);
            await ExecuteAsync(LostManagers, ct);
        }

        var unread = await ApplyScopeAsync(ct);
        if (unread.Count > 0)
        {
            return new(0, 0, 0, 0, 0) { Unread = unread };
        }

        var (deleted, staged) = await ApplyLossesAsync(ct);
        CrashPoints.Reach("after-losses");
        var version = await PublishAsync(publisher, ct);
        CrashPoints.Reach("after-outbox");
        return new(added, changed, removed + deleted, staged, version, ReadAll: returned && !lease.IsFull, told);
    }

    /// <summary>
    /// The planner knows the average client. For a big one it expects a hundredth of the rows and would compare each
    /// with each; joins by hash take their time and never more. Nor do plans serve that were made for small rounds. Of a
    /// client it has not met it expects one row, and would fetch 100,000 in the order of any index: by bitmap they are
    /// fetched as they lie.
    /// </summary>
    private async Task PlanAsync(CancellationToken ct)
    {
        if (added + changed + edges > BigRound)
        {
            await ExecuteAsync(first ? $"{BigPlans}; set local enable_indexscan = off" : BigPlans, ct);
        }
    }

    private Task AnalyzeAsync(string tables, CancellationToken ct) =>
        entries > SmallRound ? RunAsync($"analyze {tables}", ct) : Task.CompletedTask;

    /// <summary>Waits for the batch that is being written while the next one is decided.</summary>
    private Task WrittenAsync()
    {
        var sent = underWay;
        underWay = Task.CompletedTask;
        return sent;
    }

    private async Task ExecuteAsync(string sql, CancellationToken ct, params (string Name, object Value)[] parameters)
    {
        await WrittenAsync();
        await RunAsync(sql, ct, parameters);
    }

    private async Task RunAsync(string sql, CancellationToken ct, params (string Name, object Value)[] parameters)
    {
        await using var command = Command(sql, parameters);
        await command.ExecuteNonQueryAsync(ct);
    }

    private async Task<object?> ScalarAsync(
        string sql,
        CancellationToken ct,
        params (string Name, object Value)[] parameters
    )
    {
        await WrittenAsync();
        await using var command = Command(sql, parameters);
        return await command.ExecuteScalarAsync(ct);
    }

    private async Task<HashSet<Guid>> IdsAsync(string sql, Guid[] ids, CancellationToken ct)
    {
        await WrittenAsync();
        await using var command = Command(sql, [("ids", ids)]);
        await using var reader = await command.ExecuteReaderAsync(ct);
        HashSet<Guid> found = [];
        while (await reader.ReadAsync(ct))
        {
            found.Add(reader.GetGuid(0));
        }

        return found;
    }

    /// <summary>Every statement may use @msp, @client, @version, @run, @now and @source.</summary>
    private NpgsqlCommand Command(string sql, (string Name, object Value)[] parameters)
    {
        // As long as it takes: the lease is prolonged meanwhile, and lost by whoever stands still.
        var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        command.Parameters.AddWithValue("msp", lease.MspId);
        command.Parameters.AddWithValue("client", lease.ClientId);
        command.Parameters.AddWithValue("version", rosterVersion);
        command.Parameters.AddWithValue("run", runId);
        command.Parameters.AddWithValue("now", now);
        command.Parameters.AddWithValue("source", (int)source);
        foreach (var (name, value) in parameters)
        {
            command.Parameters.AddWithValue(name, value);
        }

        return command;
    }

    /// <summary>A time-ordered UUID as Guid.CreateVersion7 makes them; Postgres has none of its own before 18.</summary>
    internal const string NewId = """
        encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) placing
          substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6), 52, 1), 53, 1), 'hex')::uuid
        """;

    private const string BigPlans =
        "set local enable_nestloop = off; set local work_mem = '64MB'; set local plan_cache_mode = force_custom_plan";

    private const string NothingYet = """
        select not exists (select 1 from directory_user where client_id = @client)
          and not exists (select 1 from directory_group where client_id = @client)
          and not exists (select 1 from membership where client_id = @client)
        """;
}
