using Google.Protobuf.WellKnownTypes;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.Extensions.Options;
using Npgsql;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Data;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Sync;

/// <summary>
/// Mints a roster version from the tables t_touched and t_group_changed and puts it into the outbox, in parts of 500,
/// each user as everybody else is to see it: with manager, reports and groups resolved.
/// </summary>
public sealed class RosterPublisher(DirectoryDbContext db)
{
    private const int PartSize = 500;
    private const int PageSize = 2 * PartSize;
    private const int FewUsers = 200;

    private SyncOptions Options => db.GetService<IOptions<SyncOptions>>().Value;

    /// <param name="everybody">After a first round how many users there are: all are told of, and have this version already.</param>
    /// <returns>The version minted; 0 if nothing was touched.</returns>
    public async Task<long> PublishAsync(
        NpgsqlConnection connection,
        SyncLease lease,
        long version,
        DateTimeOffset now,
        int? everybody,
        CancellationToken ct
    )
    {
        await new Nestings(connection, lease.ClientId, now).SettleAsync(Options, ct);
        var (touched, groups) = await CountAsync(connection, ct);
        var users = everybody ?? touched;
        var (outside, changed) = await OutsideAsync(connection, lease.ClientId, ct);
        if (users + groups == 0 && !changed)
        {
            return 0;
        }

        var groupParts = (int)((groups + PartSize - 1) / PartSize);
        var parts = Math.Max(1, groupParts + (int)((users + PartSize - 1) / PartSize));
        var first = new RosterChanged
        {
            MspId = lease.MspId.ToString(),
            ClientId = lease.ClientId.ToString(),
            OccurTime = now.ToTimestamp(),
            RosterVersion = version,
            Parts = parts,
        };
        if (outside is { } count)
        {
            first.OutsideImportCount = count;
        }

        var scope = new Scope(connection, lease.ClientId, version, everybody is not null, Many: users > FewUsers);
        await WriteAsync(scope, first, ct);
        return version;
    }

    private async Task WriteAsync(Scope scope, RosterChanged first, CancellationToken ct)
    {
        await scope.ExecuteAsync(Mint, ct);
        var above = await GroupsAbove.LoadAsync(scope.Connection, scope.Client, ct);
        var part = 0;
        var groups = await GroupsAsync(scope, ct);
        var words = Words(groups, (message, chunk) => message.Groups.AddRange(chunk));
        await scope.ExecuteAsync(scope.Declare, ct);
        await using var fetch = scope.Command($"fetch {PageSize} from touched");
        var page = await RosterReader.ReadAsync(fetch, ct);
        while (page.Count > 0)
        {
            // The database takes what the last page came to and reads the next one while this one is put into words.
            var next = NextAsync(words, fetch, ct);
            try
            {
                words = Words(page, (message, chunk) => message.Users.AddRange(chunk.Select(u => u.ToUser(above))));
            }
            finally
            {
                page = await next;
            }
        }

        if (part == 0)
        {
            // Nobody of the roster changed, only how many are outside.
            words = [Word(_ => { })];
        }

        if (part != first.Parts)
        {
            // Readers would wait for ever for a part that does not come.
            throw new InvalidOperationException($"The roster's version came to {part} parts, not to {first.Parts}.");
        }

        await SaveAsync(words, ct);
        await scope.ExecuteAsync("close touched", ct);

        List<OutboxMessage> Words<T>(List<T> subjects, Action<RosterChanged, T[]> fill) =>
            [.. subjects.Chunk(PartSize).Select(chunk => Word(message => fill(message, chunk)))];

        OutboxMessage Word(Action<RosterChanged> fill)
        {
            var message = first.Clone();
            message.Part = ++part;
            fill(message);
            return OutboxMessage.Of(message);
        }
    }

    private async Task<List<UserRow>> NextAsync(List<OutboxMessage> words, NpgsqlCommand fetch, CancellationToken ct)
    {
        await SaveAsync(words, ct);
        return await RosterReader.ReadAsync(fetch, ct);
    }

    private async Task SaveAsync(List<OutboxMessage> words, CancellationToken ct)
    {
        db.Publish(words);
        await db.SaveChangesAsync(ct);
        db.ChangeTracker.Clear();
    }

    private static async Task<(long Users, long Groups)> CountAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            "select (select count(*) from t_touched), (select count(*) from t_group_changed where told)",
            connection
        );
        await using var reader = await command.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        return (reader.GetInt64(0), reader.GetInt64(1));
    }

    /// <summary>How many the import scope leaves out who never were in the roster; null without a directory.</summary>
    private static async Task<(long? Count, bool Changed)> OutsideAsync(
        NpgsqlConnection connection,
        Guid client,
        CancellationToken ct
    )
    {
        await using var command = new NpgsqlCommand(Outside, connection);
        command.Parameters.AddWithValue("client", client);
        await using var reader = await command.ExecuteReaderAsync(ct);
        return await reader.ReadAsync(ct) ? (reader.GetInt64(0), reader.GetBoolean(1)) : (null, false);
    }

    private static async Task<List<Group>> GroupsAsync(Scope scope, CancellationToken ct)
    {
        var groups = new List<Group>();
        await using var command = scope.Command(
            """
            select g.group_id, g.revision, g.display_name, g.object_id, g.security_enabled, g.dynamic,
              g.removed or not g.imported
            from t_group_changed c join directory_group g on g.client_id = @client and g.group_id = c.group_id
            where c.told order by g.group_id
            """
        );
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            groups.Add(RosterReader.ReadGroup(reader));
        }

        return groups;
    }

    private const string Outside = """
        with outsiders as (
          select count(*) as n from outside_user o
          where o.client_id = @client
            and not exists (select 1 from directory_user u where u.client_id = @client and u.object_id = o.object_id)),
        told as (
          update connection c set outside_count = o.n from outsiders o
          where c.client_id = @client and c.outside_count <> o.n returning 1)
        select o.n, exists (select 1 from told) from outsiders o
        where exists (select 1 from connection where client_id = @client and directory_tenant_id is not null)
        """;

    private const string Mint = $"""
        update client set roster_version = @version where client_id = @client;
        update directory_user set revision = @version
        where client_id = @client and user_id {Touched.Is} and revision <> @version;
        analyze t_touched;
        """;

    /// <summary>What is published, and by which statements.</summary>
    /// <param name="Many">Of a few users the planner need not know more than that they are few.</param>
    private sealed record Scope(NpgsqlConnection Connection, Guid Client, long Version, bool Everybody, bool Many)
    {
        /// <summary>One query for all of them, read in pages: between two the outbox is written. A cursor takes no parameters.</summary>
        public string Declare =>
            $"set local cursor_tuple_fraction = 1; declare touched no scroll cursor for {Of(RosterReader.Touched)}".Replace(
                "@client",
                $"'{Client}'",
                StringComparison.Ordinal
            );

        public async Task ExecuteAsync(string sql, CancellationToken ct)
        {
            await using var command = Command(sql);
            await command.ExecuteNonQueryAsync(ct);
        }

        public NpgsqlCommand Command(string sql)
        {
            var command = new NpgsqlCommand(Of(sql), Connection) { CommandTimeout = 0 };
            command.Parameters.AddWithValue("client", Client);
            command.Parameters.AddWithValue("version", Version);
            return command;
        }

        private string Of(string sql)
        {
            if (!Many)
            {
                sql = string.Join('\n', sql.Split('\n').Where(l => !l.StartsWith("analyze", StringComparison.Ordinal)));
            }

            return Everybody ? Touched.OfEverybody(sql) : sql;
        }
    }
}
