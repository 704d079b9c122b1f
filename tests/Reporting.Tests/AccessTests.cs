using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using Rollcall.Api.Scope.V1;
using Rollcall.Platform;
using Rollcall.Testing;

namespace Rollcall.Reporting.Tests;

public sealed class AccessTests(ReportingFixture service)
{
    [Fact]
    public async Task EveryReport_ViewerOfAnotherClient_IsNotFound()
    {
        var mine = service.Clients.Add();
        var other = service.Clients.Add(mine.MspId);
        var viewer = service.As(TestTokens.Viewer(mine.MspId, mine.ClientId));
        var id = other.ClientId.ToString();

        Func<Task>[] calls =
        [
            async () => await viewer.GetCoverageAsync(new() { ClientId = id }),
            async () => await viewer.GetCompletionAsync(new() { ClientId = id }),
            async () => await viewer.ListOverdueAsync(new() { ClientId = id }),
            async () => await viewer.ListExclusionsAsync(new() { ClientId = id }),
            async () => await viewer.GetReconciliationAsync(new() { ClientId = id }),
            async () => await viewer.CompareReportsAsync(new() { ClientId = id, Before = "2026-01-05" }),
            async () => await viewer.ExportReport(new() { ClientId = id }).ResponseStream.MoveNext(),
        ];
        foreach (var call in calls)
        {
            Assert.Equal(StatusCode.NotFound, (await Assert.ThrowsAsync<RpcException>(call)).StatusCode);
        }
    }

    [Theory]
    [InlineData("person_history")]
    [InlineData("decision_history")]
    [InlineData("assignment_history")]
    [InlineData("client_history")]
    [InlineData("roster_history")]
    [InlineData("scope_history")]
    [InlineData("roster_user")]
    public async Task Table_QueriedForAnotherClient_ShowsNoRow(string table)
    {
        var mine = service.Clients.Add();
        var feed = new Feed(service, service.Clients.Add(mine.MspId));
        var ada = Feed.Person("Ada");
        await feed.SendAsync(feed.ClientEvent(Feed.Noon(1), "Etc/UTC"));
        await feed.RosterAsync(Feed.Noon(2), ada);
        await feed.DecideAsync(Feed.Noon(2), ada, Verdict.InScope, "everyone");
        await feed.AssignAsync(Feed.Noon(2), Feed.Open(ada, "basics", Feed.Noon(5)));

        var sql = $"""select count(*) as "Value" from {table} where client_id = @id""";
        Task<long> SeenBy(ClientInfo client) =>
            service.DbAsync(
                Tenant.Client(client.MspId, client.ClientId),
                db => db.Database.SqlQueryRaw<long>(sql, new NpgsqlParameter("id", feed.Client.ClientId)).SingleAsync()
            );

        Assert.Equal((1, 0), (await SeenBy(feed.Client), await SeenBy(mine)));
    }

    [Fact]
    public async Task GetCoverage_EachKindOfCaller_IsLetInAsTheOptionSays()
    {
        var client = service.Clients.Add();
        var (msp, id) = (client.MspId, client.ClientId);

        async Task<StatusCode> Try(string? token, Guid? header = null)
        {
            try
            {
                await service.As(token!, header).GetCoverageAsync(new() { ClientId = id.ToString() });
                return StatusCode.OK;
            }
            catch (RpcException e)
            {
                return e.StatusCode;
            }
        }

        Assert.Equal(StatusCode.OK, await Try(TestTokens.MspAdmin(msp)));
        Assert.Equal(StatusCode.OK, await Try(TestTokens.Technician(msp, id)));
        Assert.Equal(StatusCode.OK, await Try(TestTokens.Viewer(msp, id)));
        Assert.Equal(StatusCode.OK, await Try(TestTokens.Approver(msp, id)));
        Assert.Equal(StatusCode.OK, await Try(TestTokens.Partner(msp, "reports.read", id)));
        Assert.Equal(StatusCode.OK, await Try(TestTokens.Service("notification"), msp));
        Assert.Equal(StatusCode.PermissionDenied, await Try(TestTokens.Partner(msp, "roster.read", id)));
        Assert.Equal(StatusCode.PermissionDenied, await Try(TestTokens.PlatformAdmin()));
        Assert.Equal(StatusCode.NotFound, await Try(TestTokens.Technician(msp, Guid.CreateVersion7())));
        Assert.Equal(StatusCode.NotFound, await Try(TestTokens.MspAdmin(Guid.CreateVersion7())));
        Assert.Equal(StatusCode.Unauthenticated, await Try(token: null));
    }
}
