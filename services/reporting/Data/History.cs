using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using Npgsql;

namespace Rollcall.Reporting.Data;

/// <summary>
/// Adds revisions to a history table. The outcome depends on which revisions are there, never on the order in which they
/// came: a revision holds from its own time until the earliest time of any higher revision.
/// </summary>
public static class History
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new JsonStringEnumConverter(), new TimeConverter(), new BytesConverter(), new TextConverter() },
    };

    /// <summary>Adds revisions of objects with a valid_to; those already there stay as they are.</summary>
    public static async Task RecordAsync<T>(
        this ReportingDbContext db,
        Guid client,
        IReadOnlyList<T> rows,
        CancellationToken ct
    )
        where T : class
    {
        if (rows.Count == 0)
        {
            return;
        }

        var type = db.Model.FindEntityType(typeof(T))!;
        var (table, key) = (type.GetTableName()!, type.FindPrimaryKey()!.Properties[1]);
        var objects = rows.Select(r => (Guid)key.PropertyInfo!.GetValue(r)!).Distinct().ToArray();

        // Two messages about one object must not miss each other's revision when they set valid_to.
        await db.Database.ExecuteSqlAsync($"select pg_advisory_xact_lock(hashtextextended({table + client}, 0))", ct);
        await db.AppendAsync(rows, ct);
        await db.CloseAsync(table, key.GetColumnName(), client, objects, ct);
    }

    /// <summary>Adds rows that are complete in themselves; those already there stay as they are.</summary>
    public static async Task AppendAsync<T>(this ReportingDbContext db, IReadOnlyList<T> rows, CancellationToken ct)
        where T : class
    {
        var table = db.Model.FindEntityType(typeof(T))!.GetTableName()!;
        var columns = Columns(db.Model.FindEntityType(typeof(T))!);
#pragma warning disable EF1002 // names come from the model
        await db.Database.ExecuteSqlRawAsync(
            $"""
            insert into {table} ({columns})
            select {columns} from jsonb_populate_recordset(null::{table}, @rows::jsonb)
            on conflict do nothing
            """,
            [new NpgsqlParameter("rows", JsonSerializer.Serialize(rows, Json))],
            ct
        );
#pragma warning restore EF1002
    }

    /// <summary>A subquery per row reads its object's few revisions by the key, with or without table statistics.</summary>
    private static async Task CloseAsync(
        this ReportingDbContext db,
        string table,
        string key,
        Guid client,
        Guid[] objects,
        CancellationToken ct
    )
    {
        var end = $"""
            coalesce(
              (
                select min(n.valid_from) from {table} n
                where n.client_id = h.client_id and n.{key} = h.{key} and n.revision > h.revision
              ),
              'infinity'
            )
            """;
#pragma warning disable EF1002 // names come from the model
        await db.Database.ExecuteSqlRawAsync(
            $"""
            update {table} h set valid_to = {end}
            where h.client_id = @client and h.{key} = any(@objects) and h.valid_to is distinct from {end}
            """,
            [new NpgsqlParameter("client", client), new NpgsqlParameter("objects", objects)],
            ct
        );
#pragma warning restore EF1002
    }

    private static string Columns(IEntityType type) =>
        string.Join(", ", type.GetProperties().Select(p => p.GetColumnName()));

    private sealed class TimeConverter : JsonConverter<DateTimeOffset>
    {
        public override DateTimeOffset Read(
            ref Utf8JsonReader reader,
            Type typeToConvert,
            JsonSerializerOptions options
        ) => throw new NotSupportedException("History rows are only written as JSON");

        public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
            writer.WriteStringValue(
                value == DateTimeOffset.MaxValue ? "infinity" : value.ToString("O", CultureInfo.InvariantCulture)
            );
    }

    private sealed class BytesConverter : JsonConverter<byte[]>
    {
        public override byte[] Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            throw new NotSupportedException("History rows are only written as JSON");

        public override void Write(Utf8JsonWriter writer, byte[] value, JsonSerializerOptions options) =>
            writer.WriteStringValue(@"\x" + Convert.ToHexStringLower(value));
    }

    /// <summary>Postgres text holds no NUL, a directory's attribute may.</summary>
    private sealed class TextConverter : JsonConverter<string>
    {
        public override string Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            throw new NotSupportedException("History rows are only written as JSON");

        public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.Replace("\0", "", StringComparison.Ordinal));
    }
}
