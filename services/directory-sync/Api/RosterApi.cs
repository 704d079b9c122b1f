using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Csv;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Sync;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Api;

public sealed class RosterApi(DirectoryDbContext db, CsvImport csv, KindDecisions kinds)
    : RosterService.RosterServiceBase
{
    private const int ChunkSize = 500;

    public override async Task<GetUserResponse> GetUser(GetUserRequest request, ServerCallContext context)
    {
        var clientId = Requests.Id(request.ClientId, "client_id");
        var userId = Requests.Id(request.UserId, "user_id");

        return new() { User = await FindUserAsync(clientId, userId, context.CancellationToken) };
    }

    public override async Task<ListUsersResponse> ListUsers(ListUsersRequest request, ServerCallContext context)
    {
        var clientId = Requests.Id(request.ClientId, "client_id");
        var size = Requests.PageSize(request.PageSize);
        var after = PageToken.ReadId(request.PageToken, request) ?? Guid.Empty;
        var filter = new Filter
        {
            State = request.State,
            Query = Escape(request.Query),
            Kind = request.Kind,
            Unconfirmed = request.UnconfirmedKind,
        };

        await using var transaction = await db.BeginAsync(context.CancellationToken);
        var users = await PageAsync(clientId, after, size + 1, filter, context.CancellationToken);

        return new()
        {
            Users = { users.Take(size) },
            NextPageToken = users.Count > size ? PageToken.Write(users[size - 1].Id, request) : "",
        };
    }

    public override async Task<SetAccountKindResponse> SetAccountKind(
        SetAccountKindRequest request,
        ServerCallContext context
    )
    {
        var clientId = Requests.Id(request.ClientId, "client_id");
        var userId = Requests.Id(request.UserId, "user_id");
        var reason = Requests.Text(request.Reason, "reason", maxLength: 500);
        if (request.Kind == AccountKind.Unspecified || !Enum.IsDefined(request.Kind))
        {
            throw AppException.Invalid("kind", "is required");
        }

        await kinds.SetAsync(clientId, userId, request.Kind, reason, context.CancellationToken);

        return new() { User = await FindUserAsync(clientId, userId, context.CancellationToken) };
    }

    public override async Task<ClearAccountKindResponse> ClearAccountKind(
        ClearAccountKindRequest request,
        ServerCallContext context
    )
    {
        var clientId = Requests.Id(request.ClientId, "client_id");
        var userId = Requests.Id(request.UserId, "user_id");

        await kinds.ClearAsync(clientId, userId, context.CancellationToken);

        return new() { User = await FindUserAsync(clientId, userId, context.CancellationToken) };
    }

    public override async Task<ImportCsvResponse> ImportCsv(ImportCsvRequest request, ServerCallContext context)
    {
        var clientId = Requests.Id(request.ClientId, "client_id");
        var people = CsvPeople.Read(clientId, request.Content.Memory);

        var result = await csv.RunAsync(clientId, people, request.DryRun, context.CancellationToken);

        return new()
        {
            Added = result.Added,
            Changed = result.Changed,
            Removed = result.Removed,
            Staged = result.Staged,
            RosterVersion = request.DryRun ? 0 : result.RosterVersion,
        };
    }

    public override async Task<ListGroupsResponse> ListGroups(ListGroupsRequest request, ServerCallContext context)
    {
        var clientId = Requests.Id(request.ClientId, "client_id");
        var size = Requests.PageSize(request.PageSize);
        var after = PageToken.ReadId(request.PageToken, request) ?? Guid.Empty;

        await using var transaction = await db.BeginAsync(context.CancellationToken);
        var groups = await GroupsAsync(clientId, after, size + 1, context.CancellationToken);

        return new()
        {
            Groups = { groups.Take(size) },
            NextPageToken = groups.Count > size ? PageToken.Write(groups[size - 1].Id, request) : "",
        };
    }

    public override async Task<ListMembersResponse> ListMembers(ListMembersRequest request, ServerCallContext context)
    {
        var ct = context.CancellationToken;
        var clientId = Requests.Id(request.ClientId, "client_id");
        var groupId = Requests.Id(request.GroupId, "group_id");
        var size = Requests.PageSize(request.PageSize);
        var after = PageToken.ReadId(request.PageToken, request) ?? Guid.Empty;

        await using var transaction = await db.BeginAsync(ct);
        if (!await db.Groups.AnyAsync(g => g.ClientId == clientId && g.GroupId == groupId && g.Imported, ct))
        {
            throw AppException.NotFound("group", groupId);
        }

        var users = await PageAsync(clientId, after, size + 1, new() { Group = groupId }, ct);
        return new()
        {
            Users = { users.Take(size).Where(u => u.State is UserState.Active or UserState.Disabled) },
            NextPageToken = users.Count > size ? PageToken.Write(users[size - 1].Id, request) : "",
        };
    }

    public override async Task StreamRoster(
        StreamRosterRequest request,
        IServerStreamWriter<StreamRosterResponse> responseStream,
        ServerCallContext context
    )
    {
        var ct = context.CancellationToken;
        var clientId = Requests.Id(request.ClientId, "client_id");

        // The version first: what changes while the pages are read carries a higher revision and comes as an event.
        await responseStream.WriteAsync(await FirstAsync(clientId, ct), ct);
        var after = Guid.Empty;
        while (true)
        {
            // A transaction per page, never one as long as the stream.
            await using var transaction = await db.BeginAsync(ct);
            var users = await PageAsync(clientId, after, ChunkSize, new(), ct);
            if (users.Count > 0)
            {
                await responseStream.WriteAsync(new() { Users = { users } }, ct);
                after = Guid.Parse(users[^1].Id);
            }

            if (users.Count < ChunkSize)
            {
                return;
            }
        }
    }

    private async Task<StreamRosterResponse> FirstAsync(Guid clientId, CancellationToken ct)
    {
        await using var transaction = await db.BeginAsync(ct);
        var client = await db.Clients.AsNoTracking().SingleAsync(c => c.ClientId == clientId, ct);
        var groups = await GroupsAsync(clientId, Guid.Empty, int.MaxValue, ct);
        return new() { RosterVersion = client.RosterVersion, Groups = { groups } };
    }

    private async Task<List<Group>> GroupsAsync(Guid clientId, Guid after, int size, CancellationToken ct)
    {
        var groups = await db
            .Groups.AsNoTracking()
            .Where(g => g.ClientId == clientId && g.GroupId > after && g.Imported)
            .OrderBy(g => g.GroupId)
            .Take(size)
            .ToListAsync(ct);
        return
        [
            .. groups.Select(g => new Group
            {
                Id = g.GroupId.ToString(),
                Revision = g.Revision,
                DisplayName = g.DisplayName,
                ExternalId = g.ObjectId.ToString(),
                SecurityEnabled = g.SecurityEnabled,
                Dynamic = g.Dynamic,
                Removed = g.Removed,
            }),
        ];
    }

    private async Task<User> FindUserAsync(Guid clientId, Guid userId, CancellationToken ct)
    {
        await using var transaction = await db.BeginAsync(ct);
        var users = await PageAsync(clientId, Guid.Empty, 1, new() { User = userId }, ct);
        return users is [var user] ? user : throw AppException.NotFound("user", userId);
    }

    private Task<List<User>> PageAsync(Guid clientId, Guid after, int size, Filter filter, CancellationToken ct) =>
        RosterReader.PageAsync(
            (NpgsqlConnection)db.Database.GetDbConnection(),
            clientId,
            RosterReader.Roster,
            after,
            size,
            ct,
            new("state", (int)filter.State),
            new("user", filter.User),
            new("query", filter.Query),
            new("group", filter.Group),
            new("kind", (int)filter.Kind),
            new("unconfirmed", filter.Unconfirmed)
        );

    private static string Escape(string query) =>
        query
            .Trim()
            .Replace(@"\", @"\\", StringComparison.Ordinal)
            .Replace("%", @"\%", StringComparison.Ordinal)
            .Replace("_", @"\_", StringComparison.Ordinal);

    private sealed class Filter
    {
        public UserState State { get; init; }
        public Guid User { get; init; }
        public string Query { get; init; } = "";
        public Guid Group { get; init; }
        public AccountKind Kind { get; init; }
        public bool Unconfirmed { get; init; }
    }
}
