using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Connections;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Sync;
using Rollcall.Platform;
using Rollcall.Testing;
using ConnectionState = Rollcall.Api.Directory.V1.ConnectionState;
using ImportedPeople = Rollcall.Api.Directory.V1.ImportedPeople;

namespace Rollcall.DirectorySync.Tests.Model;

/// <summary>Where a client's sync stands.</summary>
public sealed record SyncState(int Failures, bool HasCursor, long RosterVersion, int Staged, long CursorVersion);

/// <summary>
/// A connected client that no scheduler knows (its row is disabled): the test claims it and runs the sync itself, as
/// the scheduler would.
/// </summary>
public sealed class StoryClient(DirectoryFixture service, Guid directory)
{
    public Guid MspId { get; } = Guid.CreateVersion7();
    public Guid ClientId { get; } = Guid.CreateVersion7();
    private long revision;
    private readonly IServiceProvider services = service.Services;

    public Task CreateAsync() =>
        ExecuteAsync(
            """
            with new_msp as (
              insert into msp (msp_id, display_name, created_at) values ($2, 'MSP ' || $2, now())),
            new_client as (
              insert into client (client_id, msp_id, display_name, time_zone, leaver_after_days, roster_version, revision, created_at)
              values ($1, $2, 'Story', 'Etc/UTC', 30, 0, 1, now())),
            new_connection as (
              insert into connection (msp_id, client_id, state, directory_tenant_id, granted_permissions, requested_by)
              values ($2, $1, $4, $3, '{}', 'tester'))
            insert into client_sync (msp_id, client_id, directory_tenant_id, every, priority, disabled, fence, failures,
              cursor_version, requested_full)
            values ($2, $1, $3, interval '5 minutes', 5, true, 0, 0, 0, false)
            """,
            MspId,
            directory,
            (int)ConnectionState.Connected
        );

    /// <summary>One claim, one run; what it could not read it leaves for the next.</summary>
    public async Task<SyncState> SyncAsync(Death? death = null)
    {
        var lease = await ClaimAsync();
        await Death.OfAsync(death, () => services.GetRequiredService<SyncRunner>().RunAsync(lease, default));
        return await StateAsync();
    }

    /// <summary>Syncs until nothing is left to do, approving what the brake holds.</summary>
    public async Task SettleAsync()
    {
        long? quiet = null;
        for (var i = 0; i < 12; i++)
        {
            var state = await SyncAsync();
            if (state.Staged > 0)
            {
                await ApproveAsync();
            }
            else if (state is { Failures: 0, HasCursor: true } && state.RosterVersion == quiet)
            {
                return;
            }

            quiet = state.RosterVersion;
        }

        Assert.Fail("The client does not come to rest");
    }

    /// <summary>The group whose members are imported; null: everybody is.</summary>
    public Guid? ScopeGroup { get; private set; }

    /// <summary>Whoever sells and is no clerk is imported, and nobody else.</summary>
    public bool ScopeRule { get; private set; }

    /// <summary>Imports the members of a group, or everybody again. A group nobody has read yet is refused.</summary>
    public async Task RescopeAsync(Guid? group)
    {
        var choice = ImportChoice.Read(
            new()
            {
                People = group is null ? ImportedPeople.All : ImportedPeople.Members,
                PeopleGroupIds = { group is null ? [] : [$"{group}"] },
            }
        );
        try
        {
            await InTenantAsync(scope =>
                scope.GetRequiredService<ImportScopes>().UpdateAsync(ClientId, choice, revision, false, default)
            );
            (ScopeGroup, ScopeRule, revision) = (group, false, revision + 1);
        }
        catch (AppException e) when (e.Reason == "IMPORT_GROUP_NOT_FOUND")
        {
            // As it was.
        }
    }

    public async Task RescopeToRuleAsync()
    {
        var choice = ImportChoice.Read(
            new()
            {
                People = ImportedPeople.Matching,
                Conditions =
                {
                    new Rollcall.Api.Directory.V1.ImportCondition
                    {
                        Property = "department",
                        Operator = Rollcall.Api.Directory.V1.ImportOperator.In,
                        Values = { "sales" },
                    },
                    new Rollcall.Api.Directory.V1.ImportCondition
                    {
                        Property = "jobTitle",
                        Operator = Rollcall.Api.Directory.V1.ImportOperator.NotIn,
                        Values = { "clerk" },
                    },
                },
            }
        );
        await InTenantAsync(scope =>
            scope.GetRequiredService<ImportScopes>().UpdateAsync(ClientId, choice, revision, false, default)
        );
        (ScopeGroup, ScopeRule, revision) = (null, true, revision + 1);
    }

    /// <returns>False if it died on the way.</returns>
    public Task<bool> ApproveAsync(Death? death = null) =>
        Death.OfAsync(
            death,
            () =>
                InTenantAsync(async scope =>
                {
                    var removals = scope.GetRequiredService<StagedRemovals>();
                    var staged = await removals.ListAsync(ClientId, Guid.Empty, 1000, default);
                    if (staged.Count > 0)
                    {
                        Guid[] users = [.. staged.Select(s => Guid.Parse(s.UserId))];
                        await removals.ApproveAsync(ClientId, users, "tester", default);
                    }

                    return true;
                })
        );

    /// <summary>A delta link as a faulty disk or a careless migration would leave it.</summary>
    public Task MutateCursorAsync() =>
        ExecuteAsync(
            """
            update client_sync set users_cursor = left(users_cursor, -9) || 'AAAAAAAAA', cursor_version = cursor_version + 1
            where client_id = $1
            """
        );

    public async Task<SyncState> StateAsync()
    {
        await using var command = Command(
            """
            select s.failures, s.users_cursor is not null, c.roster_version,
              (select count(*)::int from staged_removal r where r.client_id = $1), s.cursor_version
            from client_sync s join client c on c.client_id = s.client_id where s.client_id = $1
            """
        );
        await using var reader = await command.ExecuteReaderAsync();
        await reader.ReadAsync();
        return new(
            reader.GetInt32(0),
            reader.GetBoolean(1),
            reader.GetInt64(2),
            reader.GetInt32(3),
            reader.GetInt64(4)
        );
    }

    /// <summary>As the API streams it.</summary>
    public async Task<RosterView> RosterAsync()
    {
        var api = service.Client<RosterService.RosterServiceClient>(TestTokens.MspAdmin(MspId));
        using var stream = api.StreamRoster(new() { ClientId = ClientId.ToString() });
        var view = new RosterView(0, [], []);
        await foreach (var chunk in stream.ResponseStream.ReadAllAsync())
        {
            view = view with { Version = Math.Max(view.Version, chunk.RosterVersion) };
            chunk.Users.ToList().ForEach(u => view.Users.Add(u.Id, u));
            chunk.Groups.ToList().ForEach(g => view.Groups.Add(g.Id, g));
        }

        return view;
    }

    /// <summary>The numbers of the pages of people that lie in the database.</summary>
    public async Task<List<int>> PagesAsync()
    {
        await using var command = Command(
            "select page from staged_page where client_id = $1 and stream = 0 order by 1"
        );
        await using var reader = await command.ExecuteReaderAsync();
        List<int> pages = [];
        while (await reader.ReadAsync())
        {
            pages.Add(reader.GetInt32(0));
        }

        return pages;
    }

    public async Task<List<Membership>> MembershipsAsync()
    {
        await using var command = Command(
            "select group_object_id, member_object_id, member_type from membership where client_id = $1"
        );
        await using var reader = await command.ExecuteReaderAsync();
        List<Membership> edges = [];
        while (await reader.ReadAsync())
        {
            edges.Add(
                new()
                {
                    MspId = MspId,
                    ClientId = ClientId,
                    GroupObjectId = reader.GetGuid(0),
                    MemberObjectId = reader.GetGuid(1),
                    MemberType = (MemberType)reader.GetInt32(2),
                }
            );
        }

        return edges;
    }

    public async Task<T> InTenantAsync<T>(Func<IServiceProvider, Task<T>> work)
    {
        await using var scope = services.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<TenantContext>().Enter(Tenant.Client(MspId, ClientId));
        return await work(scope.ServiceProvider);
    }

    /// <summary>As <see cref="Leases.ClaimAsync"/>, but of this client alone.</summary>
    public async Task<SyncLease> ClaimAsync()
    {
        await using var command = Command(
            """
            update client_sync set fence = fence + 1 where client_id = $1
            returning fence, every, failures, last_success_at, cursor_version, has_pages
            """
        );
        await using var reader = await command.ExecuteReaderAsync();
        await reader.ReadAsync();
        var lease = new SyncLease(
            MspId,
            ClientId,
            directory,
            reader.GetInt64(0),
            (TimeSpan)reader[1],
            reader.GetInt32(2),
            reader[3] is DateTime at ? new DateTimeOffset(at) : null,
            reader.GetInt64(4),
            RequestedRunId: null,
            RequestedFull: false
        )
        {
            HasPages = reader.GetBoolean(5),
        };
        return (await services.GetRequiredService<Cursors>().LoadAsync([lease], default))[0];
    }

    /// <param name="sql">$1 is the client.</param>
    public async Task ExecuteAsync(string sql, params object[] more)
    {
        await using var command = Command(sql, more);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>$1 is the client.</summary>
    private NpgsqlCommand Command(string sql, params object[] more)
    {
        var command = service.Owner.CreateCommand(sql);
        command.Parameters.Add(new() { Value = ClientId });
        foreach (var value in more)
        {
            command.Parameters.Add(new() { Value = value });
        }

        return command;
    }
}
