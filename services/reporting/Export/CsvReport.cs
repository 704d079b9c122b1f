using System.Runtime.CompilerServices;
using CsvHelper;
using Google.Protobuf;
using Rollcall.Api.Reporting.V1;
using Rollcall.Platform;
using Rollcall.Reporting.Data;
using Rollcall.Reporting.Reports;

namespace Rollcall.Reporting.Export;

/// <summary>
/// Reports as CSV. The file is written at the database's speed inside one snapshot and sent from disk afterwards: a slow
/// reader never holds a transaction.
/// </summary>
public sealed class CsvReport(ReportingDbContext db, Moments moments, BasisReport basis)
{
    private const int ChunkSize = 64 * 1024;

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
    };

    public async IAsyncEnumerable<ExportReportResponse> ExportAsync(
        ExportReportRequest request,
        [EnumeratorCancellation] CancellationToken ct
    )
    {
        var clientId = Guid.Parse(request.ClientId);
        var freshness = await basis.FreshnessAsync(clientId, ct);
        await using var file = Scratch();
        ReportBasis rests;
        await using (await db.SnapshotAsync(ct))
        {
            var moment = await moments.FindAsync(clientId, request.AsOf, "as_of", ct);
            rests = await basis.OfAsync(moment, freshness, ct);
            await WriteAsync(file, await TableAsync(request, moment, ct), rests, ct);
        }

        var name = $"{request.Report}-{rests.AsOf}.csv".ToLowerInvariant();
        yield return new() { Basis = rests, FileName = name };

        file.Position = 0;
        var buffer = new byte[ChunkSize];
        while (await file.ReadAtLeastAsync(buffer, ChunkSize, throwOnEndOfStream: false, ct) is > 0 and var read)
        {
            yield return new() { Chunk = ByteString.CopyFrom(buffer, 0, read) };
        }
    }

    private async Task<Table> TableAsync(ExportReportRequest request, Moment moment, CancellationToken ct)
    {
        var clientId = moment.Client.ClientId;
        switch (request.Report)
        {
            case ReportKind.Coverage:
                return Tables.Of(await db.CoverageAsync(moment, ct));
            case ReportKind.Completion:
                return Tables.Of(await db.CompletionAsync(moment, ct));
            case ReportKind.Overdue:
                return Tables.Of(await db.OverdueAsync(moment, OverdueKey.Start, int.MaxValue, ct));
            case ReportKind.Exclusions:
                return Tables.Of(await db.ExclusionsAsync(moment, Standing.Unspecified, Guid.Empty, int.MaxValue, ct));
            case ReportKind.Reconciliation:
                var from = await moments.StartAsync(clientId, request.From, moment, ct);
                return Tables.Of(await db.ReconciliationAsync(moment, from, ct));
            case ReportKind.Comparison:
                var before = await moments.FindAsync(clientId, Requests.Text(request.From, "from"), "from", ct);
                return Tables.Of(
                    await db.ChangesAsync(before, moment, ChangeKind.Unspecified, Guid.Empty, int.MaxValue, ct)
                );
            case ReportKind.Unspecified:
            default:
                throw AppException.Invalid("report", "is required");
        }
    }

    /// <summary>Every row says what it rests on, so that it still does when files are merged.</summary>
    private static async Task WriteAsync(Stream file, Table table, ReportBasis basis, CancellationToken ct)
    {
        await using var csv = CsvWriter.Create(file, Format, leaveOpen: true);
        string[] rests =
        [
            basis.ClientDisplayName,
            basis.AsOf,
            $"{basis.RosterVersion}",
            $"{basis.PolicyVersion}",
            basis.Complete ? "yes" : "no",
        ];
        await csv.WriteRecordAsync(
            [.. table.Header, "client", "as_of", "roster_version", "policy_version", "complete"],
            ct
        );
        foreach (var row in table.Rows)
        {
            await csv.WriteRecordAsync([.. row, .. rests], ct);
        }

        await csv.FlushAsync(ct);
    }

    /// <summary>A file only this process may read, gone when it is closed.</summary>
    private static FileStream Scratch() =>
        new(
            Path.GetTempFileName(),
            new FileStreamOptions
            {
                Access = FileAccess.ReadWrite,
                Share = FileShare.None,
                Options = FileOptions.Asynchronous | FileOptions.DeleteOnClose,
            }
        );
}
