using Grpc.Core;
using Rollcall.Api.Reporting.V1;

namespace Rollcall.Local;

/// <summary>Every report as a CSV file, as somebody would download it.</summary>
public static class ReportFiles
{
    public static async Task<string> SaveAllAsync(World world, Company company, CancellationToken ct)
    {
        var folder = Directory.CreateDirectory(
            System.IO.Path.Combine(world.Endpoints.RunFolder, "reports", company.Name)
        );
        var told = new List<string>();
        foreach (var kind in Enum.GetValues<ReportKind>().Except([ReportKind.Unspecified]))
        {
            var request = new ExportReportRequest
            {
                ClientId = company.ClientId,
                Report = kind,
                From = kind == ReportKind.Comparison ? company.Before!.Basis.AsOf : "",
            };
            var (name, rows) = await SaveAsync(world, request, folder.FullName, ct);
            told.Add($"{name} {rows} rows");
        }

        return $"{string.Join(", ", told)}\nin {folder.FullName}";
    }

    private static async Task<(string Name, int Rows)> SaveAsync(
        World world,
        ExportReportRequest request,
        string folder,
        CancellationToken ct
    )
    {
        using var file = new MemoryStream();
        var name = "";
        using var call = world.Technician.Reports.ExportReport(request, cancellationToken: ct);
        await foreach (var part in call.ResponseStream.ReadAllAsync(ct))
        {
            name += part.FileName;
            part.Chunk.WriteTo(file);
        }

        var bytes = file.ToArray();
        Expect.That(
            bytes.AsSpan().StartsWith("\uFEFF\""u8),
            $"{name} to begin with a byte order mark and a quote",
            "another start"
        );
        await File.WriteAllBytesAsync(System.IO.Path.Combine(folder, name), bytes, ct);
        var lines = await File.ReadAllLinesAsync(System.IO.Path.Combine(folder, name), ct);
        Expect.That(
            lines.Length > 1 || request.Report == ReportKind.Overdue,
            $"rows in {name}",
            $"{lines.Length} lines"
        );
        return (name, lines.Length - 1);
    }
}
