using Npgsql;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Sync;
using Rollcall.Testing;

namespace Rollcall.DirectorySync.Tests.Model;

/// <summary>What the database says about a client at one moment.</summary>
/// <param name="Content">A hash of its roster.</param>
public sealed record Standing(string? Cursors, long CursorVersion, long RosterVersion, string Content);

/// <summary>A client in the database of a service process, seen from outside: as the database's owner sees it.</summary>
public sealed class CrashClient(
    DirectoryFixture service,
    NpgsqlDataSource database,
    int number,
    string point,
    int people = 8
)
{
    private readonly Guid mspId = Guid.CreateVersion7();
    private readonly Guid clientId = Guid.CreateVersion7();

    public Guid Id => clientId;
    public Guid MspId => mspId;
    public string Point => point;

    /// <summary>Of two points one is met in a first, full round and one in a delta round.</summary>
    public bool InDelta => number % 2 == 0;

    public World World { get; } =
        new(
            service.Graph,
            new(
                number + 1,
                people,
                Groups: 3,
                new()
                {
                    PageSize = 2,
                    LinksPerPage = 2,
                    Throttling = false,
                },
                []
            )
        );

    public Task CreateAsync() =>
        ExecuteAsync(
            $"""
            insert into msp (msp_id, display_name, created_at) values ('{mspId}', 'MSP {mspId}', now());
            insert into client (client_id, msp_id, display_name, time_zone, leaver_after_days, roster_version, revision, created_at)
              values ('{clientId}', '{mspId}', 'Crash', 'Etc/UTC', 30, 0, 1, now());
            insert into client_sync (msp_id, client_id, directory_tenant_id, every, priority, disabled, fence, failures,
              cursor_version, requested_full)
              values ('{mspId}', '{clientId}', '{World.Tenant.Id}', interval '1 second', 5, true, 0, 0, 0, false);
            """
        );

    /// <summary>Due now, as after the end of the lease of whoever died with it.</summary>
    public Task DueAsync() =>
        ExecuteAsync($"update client_sync set disabled = false, next_at = now() where client_id = '{clientId}'");

    public Task RestAsync() => ExecuteAsync($"update client_sync set disabled = true where client_id = '{clientId}'");

    /// <summary>A day in the directory: everything a round can hold, no mass removal.</summary>
    public void Change()
    {
        Turn[] turns =
        [
            new(TurnKind.AddUser, 1, 2, 0),
            new(TurnKind.AddUser, 2, 5, 1),
            new(TurnKind.ChangeUser, 0, 0, 1),
            new(TurnKind.ChangeUser, 3, 10, 1),
            new(TurnKind.DeleteUser, 1, 0, 0),
            new(TurnKind.Disable, 2, 0, 0),
            new(TurnKind.SetManager, 4, 5, 1),
            new(TurnKind.AddMember, 0, 5, 0),
            new(TurnKind.AddMember, 1, 6, 0),
            new(TurnKind.Nest, 0, 1, 0),
            new(TurnKind.Nest, 1, 0, 0),
            new(TurnKind.RemoveMember, 2, 0, 0),
            new(TurnKind.RenameGroup, 1, 3, 0),
        ];
        foreach (var turn in turns)
        {
            World.Apply(turn);
        }
    }

    public async Task<Standing> StandingAsync()
    {
        await using var command = database.CreateCommand(
            $"""
            select s.users_cursor || s.groups_cursor, s.cursor_version, c.roster_version,
              coalesce((select md5(string_agg(u::text, ',' order by u.user_id)) from directory_user u where u.client_id = c.client_id), '')
              || coalesce((select md5(string_agg(g::text, ',' order by g.group_id)) from directory_group g where g.client_id = c.client_id), '')
              || coalesce((select md5(string_agg(m::text, ',' order by m.group_object_id, m.member_object_id)) from membership m where m.client_id = c.client_id), '')
            from client_sync s join client c on c.client_id = s.client_id where s.client_id = '{clientId}'
            """
        );
        await using var reader = await command.ExecuteReaderAsync();
        await reader.ReadAsync();
        return new(reader[0] as string, reader.GetInt64(1), reader.GetInt64(2), reader.GetString(3));
    }

    /// <summary>The version of the cached cursors; 0 if there are none.</summary>
    public async Task<long> CachedVersionAsync(string? server = null)
    {
        await using var redis = await StackExchange.Redis.ConnectionMultiplexer.ConnectAsync(
            server ?? TestServers.Redis
        );
        var value = await redis.GetDatabase().StringGetAsync($"rollcall:{mspId}:{clientId}:cursor");
        return value.HasValue
            ? System.Text.Json.JsonElement.Parse((string)value!).GetProperty("Version").GetInt64()
            : 0;
    }

    /// <summary>People, groups, edges: all as in the directory.</summary>
    public async Task<RosterView> RosterIsDirectoryAsync()
    {
        var roster = await RosterAsync();
        var check = new RosterCheck(World.Tenant, roster);
        check.IsTheDirectory();
        check.HasEdges(await EdgesAsync());
        return roster;
    }

    /// <summary>What was published adds up to the roster.</summary>
    public void EventsAddUpTo(RosterView roster)
    {
        var replayed = RosterView.Replay(service.Events.Of<RosterChanged>(clientId));
        Assert.Equal(roster.Version, replayed.Version);
        Assert.Equal(roster.Users.Values.OrderBy(u => u.Id), replayed.Users.Values.OrderBy(u => u.Id));
        Assert.Equal(roster.Groups.Values.OrderBy(g => g.Id), replayed.Groups.Values.OrderBy(g => g.Id));
    }

    private async Task<RosterView> RosterAsync()
    {
        await using var connection = await database.OpenConnectionAsync();
        var view = new RosterView((await StandingAsync()).RosterVersion, [], []);
        NpgsqlParameter[] none =
        [
            new("state", (object)0),
            new("user", Guid.Empty),
            new("query", ""),
            new("group", Guid.Empty),
            new("kind", (object)0),
            new("unconfirmed", false),
        ];
        var users = await RosterReader.PageAsync(
            connection,
            clientId,
            RosterReader.Roster,
            Guid.Empty,
            1000,
            default,
            none
        );
        users.ForEach(u => view.Users.Add(u.Id, u));
        await using var command = new NpgsqlCommand(
            $"""
            select group_id, revision, display_name, object_id, security_enabled, dynamic, removed
            from directory_group where client_id = '{clientId}'
            """,
            connection
        );
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            var group = RosterReader.ReadGroup(reader);
            view.Groups.Add(group.Id, group);
        }

        return view;
    }

    private async Task<List<Membership>> EdgesAsync()
    {
        await using var command = database.CreateCommand(
            $"select group_object_id, member_object_id from membership where client_id = '{clientId}'"
        );
        await using var reader = await command.ExecuteReaderAsync();
        List<Membership> edges = [];
        while (await reader.ReadAsync())
        {
            edges.Add(
                new()
                {
                    MspId = mspId,
                    ClientId = clientId,
                    GroupObjectId = reader.GetGuid(0),
                    MemberObjectId = reader.GetGuid(1),
                    MemberType = MemberType.User,
                }
            );
        }

        return edges;
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
