using System.Globalization;
using System.Text.Json;
using CsvHelper;
using Google.Protobuf;
using Rollcall.Api.Directory.V1;

namespace Rollcall.DirectorySync.Trail;

/// <summary>What a file of events says about itself.</summary>
public sealed record ExportHead(string Client, Guid ClientId, string Filter, DateTimeOffset ExportedAt, bool IsPreview);

/// <summary>A file of events, handed out piece by piece as it grows.</summary>
public abstract class EventFile : IAsyncDisposable
{
    protected MemoryStream Buffer { get; } = new();

    public abstract Task BeginAsync(ExportHead head, CancellationToken ct);

    public abstract Task AddAsync(SyncEvent happened, CancellationToken ct);

    /// <summary>What has been written since the last call.</summary>
    public async Task<ByteString> TakeAsync(CancellationToken ct)
    {
        await FlushAsync(ct);
        var piece = ByteString.CopyFrom(Buffer.GetBuffer(), 0, (int)Buffer.Length);
        Buffer.SetLength(0);
        return piece;
    }

    public virtual async ValueTask DisposeAsync()
    {
        await Buffer.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    protected virtual ValueTask FlushAsync(CancellationToken ct) => ValueTask.CompletedTask;
}

/// <summary>One JSON object a line, as the API's own JSON form.</summary>
public sealed class JsonEventFile : EventFile
{
    public override async Task BeginAsync(ExportHead head, CancellationToken ct)
    {
        await JsonSerializer.SerializeAsync(Buffer, head, JsonSerializerOptions.Web, ct);
        Buffer.WriteByte((byte)'\n');
    }

    public override async Task AddAsync(SyncEvent happened, CancellationToken ct) =>
        await Buffer.WriteAsync(System.Text.Encoding.UTF8.GetBytes(JsonFormatter.Default.Format(happened) + "\n"), ct);
}

/// <summary>For spreadsheets: a head, then one line for each property that changed.</summary>
public sealed class CsvEventFile : EventFile
{
    /// <summary>
    /// What a spreadsheet would run as a formula gets a leading single quote (OWASP ASVS 1.2.10). Tab and carriage return
    /// count: spreadsheets skip them and then see the formula (CVE-2021-41270).
    /// </summary>
    private static readonly CsvWriterOptions Format = CsvWriterOptions.Default with
    {
        Quoting = CsvQuoting.Always,
        Injection = CsvInjection.Escape,
        InjectionCharacters = "=+-@\t\r\n",
        WriteByteOrderMark = true,
        ValidateFieldCount = false,
    };

    private static readonly string[] Columns =
    [
        "time",
        "action",
        "status",
        "reason",
        "name",
        "property",
        "old_value",
        "new_value",
        "user_id",
        "group_id",
        "run_id",
        "change_id",
    ];

    private readonly CsvWriter csv;

    public CsvEventFile() => csv = CsvWriter.Create(Buffer, Format, leaveOpen: true);

    public override async Task BeginAsync(ExportHead head, CancellationToken ct)
    {
        await csv.WriteRecordAsync(["client", head.Client, $"{head.ClientId}"], ct);
        await csv.WriteRecordAsync(["filter", head.Filter], ct);
        await csv.WriteRecordAsync(["exported", Text(head.ExportedAt)], ct);
        if (head.IsPreview)
        {
            await csv.WriteRecordAsync(["preview", "a dry run: none of this happened"], ct);
        }

        await csv.WriteRecordAsync(Columns, ct);
    }

    public override async Task AddAsync(SyncEvent happened, CancellationToken ct)
    {
        var changes = happened.Changes.Count > 0 ? happened.Changes : [new PropertyChange()];
        foreach (var change in changes)
        {
            await csv.WriteRecordAsync(
                [
                    Text(happened.OccurTime.ToDateTimeOffset()),
                    $"{happened.Action}",
                    $"{happened.Status}",
                    happened.ReasonCode,
                    happened.DisplayName,
                    change.Property,
                    change.OldValue,
                    change.NewValue,
                    happened.UserId,
                    happened.GroupId,
                    happened.SyncRunId,
                    happened.Id,
                ],
                ct
            );
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await csv.DisposeAsync();
        await base.DisposeAsync();
    }

    protected override async ValueTask FlushAsync(CancellationToken ct) => await csv.FlushAsync(ct);

    private static string Text(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
}
