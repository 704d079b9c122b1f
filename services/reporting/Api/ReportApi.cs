using Grpc.Core;
using Rollcall.Api.Reporting.V1;
using Rollcall.Platform;
using Rollcall.Reporting.Data;
using Rollcall.Reporting.Export;
using Rollcall.Reporting.Reports;

namespace Rollcall.Reporting.Api;

/// <summary>Reports of one client, each read in one snapshot so that its numbers and its basis agree.</summary>
public sealed class ReportApi(ReportingDbContext db, Moments moments, BasisReport basis, CsvReport csv)
    : ReportService.ReportServiceBase
{
    public override async Task<GetCoverageResponse> GetCoverage(GetCoverageRequest request, ServerCallContext context)
    {
        var ct = context.CancellationToken;
        var clientId = Requests.Id(request.ClientId, "client_id");
        var freshness = await basis.FreshnessAsync(clientId, ct);

        await using var snapshot = await db.SnapshotAsync(ct);
        var moment = await moments.FindAsync(clientId, request.AsOf, "as_of", ct);
        var table = await db.CoverageAsync(moment, ct);

        return new()
        {
            Basis = await basis.OfAsync(moment, freshness, ct),
            Total = table.Total,
            Audiences = { table.Audiences },
            Departments = { table.Departments },
        };
    }

    public override async Task<GetCompletionResponse> GetCompletion(
        GetCompletionRequest request,
        ServerCallContext context
    )
    {
        var ct = context.CancellationToken;
        var clientId = Requests.Id(request.ClientId, "client_id");
        var freshness = await basis.FreshnessAsync(clientId, ct);

        await using var snapshot = await db.SnapshotAsync(ct);
        var moment = await moments.FindAsync(clientId, request.AsOf, "as_of", ct);

        return new()
        {
            Courses = { await db.CompletionAsync(moment, ct) },
            Basis = await basis.OfAsync(moment, freshness, ct),
        };
    }

    public override async Task<ListOverdueResponse> ListOverdue(ListOverdueRequest request, ServerCallContext context)
    {
        var ct = context.CancellationToken;
        var clientId = Requests.Id(request.ClientId, "client_id");
        var size = Requests.PageSize(request.PageSize);
        var after = OverdueKey.Parse(PageToken.Read(request.PageToken, request));
        var freshness = await basis.FreshnessAsync(clientId, ct);

        await using var snapshot = await db.SnapshotAsync(ct);
        var moment = await moments.FindAsync(clientId, request.AsOf, "as_of", ct);
        var page = await db.OverdueAsync(moment, after, size + 1, ct);

        return new()
        {
            Basis = await basis.OfAsync(moment, freshness, ct),
            Assignments = { page.Take(size) },
            NextPageToken = page.Count > size ? PageToken.Write(OverdueKey.Of(page[size - 1]).ToString(), request) : "",
        };
    }

    public override async Task<ListExclusionsResponse> ListExclusions(
        ListExclusionsRequest request,
        ServerCallContext context
    )
    {
        var ct = context.CancellationToken;
        var clientId = Requests.Id(request.ClientId, "client_id");
        var size = Requests.PageSize(request.PageSize);
        var after = PageToken.ReadId(request.PageToken, request) ?? Guid.Empty;
        var freshness = await basis.FreshnessAsync(clientId, ct);

        await using var snapshot = await db.SnapshotAsync(ct);
        var moment = await moments.FindAsync(clientId, request.AsOf, "as_of", ct);
        var page = await db.ExclusionsAsync(moment, request.Standing, after, size + 1, ct);

        return new()
        {
            Basis = await basis.OfAsync(moment, freshness, ct),
            Exclusions = { page.Take(size) },
            NextPageToken = page.Count > size ? PageToken.Write(page[size - 1].UserId, request) : "",
        };
    }

    public override async Task<GetReconciliationResponse> GetReconciliation(
        GetReconciliationRequest request,
        ServerCallContext context
    )
    {
        var ct = context.CancellationToken;
        var clientId = Requests.Id(request.ClientId, "client_id");
        var freshness = await basis.FreshnessAsync(clientId, ct);

        await using var snapshot = await db.SnapshotAsync(ct);
        var moment = await moments.FindAsync(clientId, request.AsOf, "as_of", ct);
        var from = await moments.StartAsync(clientId, request.From, moment, ct);
        var answer = await db.ReconciliationAsync(moment, from, ct);
        answer.From = request.From;
        answer.Basis = await basis.OfAsync(moment, freshness, ct);

        return answer;
    }

    public override async Task<CompareReportsResponse> CompareReports(
        CompareReportsRequest request,
        ServerCallContext context
    )
    {
        var ct = context.CancellationToken;
        var clientId = Requests.Id(request.ClientId, "client_id");
        var size = Requests.PageSize(request.PageSize);
        var afterId = PageToken.ReadId(request.PageToken, request) ?? Guid.Empty;
        var freshness = await basis.FreshnessAsync(clientId, ct);

        await using var snapshot = await db.SnapshotAsync(ct);
        var (before, after) = await moments.PairAsync(clientId, request.Before, request.After, ct);
        var page = await db.ChangesAsync(before, after, request.Kind, afterId, size + 1, ct);

        return new()
        {
            Before = await basis.OfAsync(before, freshness, ct),
            After = await basis.OfAsync(after, freshness, ct),
            Counts = await db.ChangeCountsAsync(before, after, ct),
            CoverageBefore = (await db.CoverageAsync(before, ct)).Total,
            CoverageAfter = (await db.CoverageAsync(after, ct)).Total,
            Changes = { page.Take(size) },
            NextPageToken = page.Count > size ? PageToken.Write(page[size - 1].UserId, request) : "",
        };
    }

    public override async Task ExportReport(
        ExportReportRequest request,
        IServerStreamWriter<ExportReportResponse> responseStream,
        ServerCallContext context
    )
    {
        Requests.Id(request.ClientId, "client_id");

        await foreach (var part in csv.ExportAsync(request, context.CancellationToken))
        {
            await responseStream.WriteAsync(part, context.CancellationToken);
        }
    }
}
