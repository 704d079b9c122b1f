using System.Diagnostics;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Rollcall.DirectorySync.Graph;
using Rollcall.GraphEmulator.Model;

namespace Rollcall.Benchmarks.Sync;

/// <summary>
/// What nobody can do without: downloads the pages of both streams, parses them and puts them into two plain tables by
/// COPY. No merge, no history, no events.
/// </summary>
public sealed class BareReader(Cloud cloud, NpgsqlDataSource database, Tenant tenant) : IDisposable
{
    private readonly HttpClient http = cloud.Client(tenant);
    private readonly Dictionary<string, string?> links = [];

    /// <summary>A round from where the last one ended.</summary>
    public async Task<TimeSpan> ReadAsync()
    {
        await using var create = database.CreateCommand(
            """
            drop table if exists bare_user, bare_edge;
            create table bare_user (id uuid, properties text);
            create table bare_edge (group_id uuid, member_id uuid);
            """
        );
        await create.ExecuteNonQueryAsync();
        var watch = Stopwatch.StartNew();
        await Task.WhenAll(
            StreamAsync("users", EntraProperties.UserSelect, "copy bare_user from stdin (format binary)", WriteUser),
            StreamAsync("groups", EntraProperties.GroupSelect, "copy bare_edge from stdin (format binary)", WriteEdges)
        );
        return watch.Elapsed;
    }

    public void Dispose() => http.Dispose();

    private async Task StreamAsync(
        string stream,
        string[] select,
        string copy,
        Action<NpgsqlBinaryImporter, JsonElement> write
    )
    {
        await using var connection = await database.OpenConnectionAsync();
        await using var import = await connection.BeginBinaryImportAsync(copy);
        var first = $"{cloud.Emulator.Address}v1.0/{stream}/delta?$select={string.Join(',', select)}";
        var next = links.GetValueOrDefault(stream, first);
        while (next is not null)
        {
            using var page = JsonDocument.Parse(await http.GetByteArrayAsync(next));
            foreach (var entry in page.RootElement.GetProperty("value").EnumerateArray())
            {
                write(import, entry);
            }

            next = page.RootElement.TryGetProperty("@odata.nextLink", out var more) ? more.GetString() : null;
            if (next is null)
            {
                links[stream] = page.RootElement.GetProperty("@odata.deltaLink").GetString()!;
            }
        }

        await import.CompleteAsync();
    }

    private static void WriteUser(NpgsqlBinaryImporter import, JsonElement user)
    {
        import.StartRow();
        import.Write(user.GetProperty("id").GetGuid());
        import.Write(user.GetRawText(), NpgsqlDbType.Text);
    }

    private static void WriteEdges(NpgsqlBinaryImporter import, JsonElement group)
    {
        if (!group.TryGetProperty("members@delta", out var members))
        {
            return;
        }

        var id = group.GetProperty("id").GetGuid();
        foreach (var member in members.EnumerateArray())
        {
            import.StartRow();
            import.Write(id);
            import.Write(member.GetProperty("id").GetGuid());
        }
    }
}
