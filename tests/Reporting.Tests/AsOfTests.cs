using Microsoft.EntityFrameworkCore;
using Npgsql;
using Rollcall.Api.Assignment.V1;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Reporting.V1;
using Rollcall.Api.Scope.V1;
using Rollcall.Platform;
using Rollcall.Reporting.Reports;

namespace Rollcall.Reporting.Tests;

/// <summary>A past day's answer stays the same, whatever happens after it.</summary>
public sealed class AsOfTests(ReportingFixture service)
{
    [Fact]
    public async Task Reports_OfPastDayAfterLaterEvents_StayTheSame()
    {
        var feed = new Feed(service, service.Clients.Add());
        User ada = Feed.Person("Ada"),
            bob = Feed.Person("Bob");
        await feed.SendAsync(feed.ClientEvent(Feed.Noon(1), "Europe/Copenhagen"));
        await feed.RosterAsync(Feed.Noon(2), ada, bob);
        await feed.DecideAsync(Feed.Noon(2), ada, Verdict.InScope, "everyone");
        await feed.DecideAsync(Feed.Noon(2), bob, Verdict.ExcludedByRule);
        var work = Feed.Open(ada, "basics", Feed.Noon(4));
        await feed.AssignAsync(Feed.Noon(3), work);
        var before = await AnswersAsync(feed.Client, "2026-01-05");

        (ada.DisplayName, ada.Department, bob.State) = ("Ada Lovelace", "Board", UserState.Removed);
        await feed.RosterAsync(Feed.Noon(6), ada, bob, Feed.Person("Cem"));
        await feed.DecideAsync(Feed.Noon(6), ada, Verdict.InScope, "everyone", "board");
        await feed.DecideAsync(Feed.Noon(6), bob, Verdict.Left);
        work.State = AssignmentState.Completed;
        await feed.AssignAsync(Feed.Noon(7), work);
        await feed.SendAsync(feed.ClientEvent(Feed.Noon(8), "Pacific/Auckland"));
        var after = await AnswersAsync(feed.Client, "2026-01-05");

        Assert.Equal(before, after);
        Assert.NotEqual(before, await AnswersAsync(feed.Client, "2026-01-08"));
    }

    [Theory]
    [InlineData("update person_history set department = 'Forged' where true")]
    [InlineData(
        "update person_history set valid_to = 'infinity', valid_from = valid_from - interval '1 day' where true"
    )]
    [InlineData("update decision_history set verdict = 'InScope' where true")]
    [InlineData("update assignment_history set valid_to = valid_to + interval '1 day' where valid_to < 'infinity'")]
    [InlineData("update client_history set time_zone = 'Etc/UTC' where true")]
    [InlineData("delete from person_history where true")]
    [InlineData("delete from decision_history where true")]
    [InlineData("delete from assignment_history where true")]
    [InlineData("delete from client_history where true")]
    [InlineData("delete from roster_history where true")]
    [InlineData("update scope_history set policy_version = 9 where true")]
    public async Task History_Rewritten_IsRefused(string sql)
    {
        var feed = new Feed(service, service.Clients.Add());
        var ada = Feed.Person("Ada");
        await feed.SendAsync(feed.ClientEvent(Feed.Noon(1), "Etc/UTC"));
        await feed.RosterAsync(Feed.Noon(2), ada);
        await feed.DecideAsync(Feed.Noon(2), ada, Verdict.ExcludedByRule);
        var work = Feed.Open(ada, "basics", Feed.Noon(4));
        await feed.AssignAsync(Feed.Noon(3), work);
        await feed.AssignAsync(Feed.Noon(4), work);

        var tenant = Tenant.Client(feed.Client.MspId, feed.Client.ClientId);
        var refused = await Assert.ThrowsAsync<PostgresException>(() =>
            service.DbAsync(tenant, db => db.Database.ExecuteSqlRawAsync(sql))
        );

        Assert.Contains("history is never rewritten", refused.MessageText, StringComparison.Ordinal);
    }

    [Fact]
    public async Task GetCoverage_DayOfTheClient_EndsInItsTimeZone()
    {
        var feed = new Feed(service, service.Clients.Add());
        var ada = Feed.Person("Ada");
        await feed.SendAsync(feed.ClientEvent(Feed.Noon(1), "America/New_York"));
        await feed.RosterAsync(Feed.Noon(2), ada);
        await feed.DecideAsync(Feed.Noon(7).AddHours(16), ada, Verdict.InScope, "everyone");

        // 8 January 04:00 UTC is still the 7th in New York.
        Assert.Equal(0, (await CoverageAsync(feed.Client, "2026-01-06")).Total.People);
        Assert.Equal(1, (await CoverageAsync(feed.Client, "2026-01-07")).Total.People);

        // After the move the day ends elsewhere, but the days before it keep their ends.
        await feed.SendAsync(feed.ClientEvent(Feed.Noon(10), "Pacific/Auckland"));
        var seventh = await CoverageAsync(feed.Client, "2026-01-07");
        var eleventh = await CoverageAsync(feed.Client, "2026-01-11");

        Assert.Equal(1, seventh.Total.People);
        Assert.Equal(Utc("2026-01-08T05:00:00Z"), seventh.Basis.AsOfTime.ToDateTimeOffset());
        Assert.Equal(Utc("2026-01-11T11:00:00Z"), eleventh.Basis.AsOfTime.ToDateTimeOffset());
    }

    [Theory]
    [InlineData("Etc/UTC", "2026-03-28", "2026-03-29T00:00:00Z")]
    [InlineData("Europe/Copenhagen", "2026-03-29", "2026-03-29T22:00:00Z")]
    [InlineData("Asia/Beirut", "2026-03-28", "2026-03-28T22:00:00Z")]
    [InlineData("America/Havana", "2026-10-31", "2026-11-01T04:00:00Z")]
    public void EndOf_DayWithClockChange_IsTheFirstInstantOfTheNext(string zone, string day, string end)
    {
        var answer = Days.EndOf(
            DateOnly.Parse(day, System.Globalization.CultureInfo.InvariantCulture),
            TimeZoneInfo.FindSystemTimeZoneById(zone)
        );

        Assert.Equal(Utc(end), answer);
    }

    [Theory]
    [InlineData("2026-01-16")]
    [InlineData("2026-13-01")]
    [InlineData("yesterday")]
    public async Task GetCoverage_NoPastDay_IsInvalid(string day)
    {
        var client = service.Clients.Add();

        var error = await Assert.ThrowsAsync<Grpc.Core.RpcException>(() => CoverageAsync(client, day));

        Assert.Equal(Grpc.Core.StatusCode.InvalidArgument, error.StatusCode);
    }

    private async Task<string> AnswersAsync(ClientInfo client, string day)
    {
        var id = client.ClientId.ToString();
        var admin = service.Admin(client);
        var coverage = await CoverageAsync(client, day);
        var completion = await admin.GetCompletionAsync(new() { ClientId = id, AsOf = day });
        var overdue = await admin.ListOverdueAsync(new() { ClientId = id, AsOf = day });
        var exclusions = await admin.ListExclusionsAsync(new() { ClientId = id, AsOf = day });
        var reconciliation = await admin.GetReconciliationAsync(new() { ClientId = id, AsOf = day });
        return string.Join(
            '\n',
            coverage.Total,
            coverage.Departments,
            coverage.Audiences,
            completion.Courses,
            overdue.Assignments,
            exclusions.Exclusions,
            reconciliation.Lines,
            coverage.Basis.RosterVersion,
            coverage.Basis.AsOfTime
        );
    }

    private async Task<GetCoverageResponse> CoverageAsync(ClientInfo client, string day) =>
        await service.Admin(client).GetCoverageAsync(new() { ClientId = client.ClientId.ToString(), AsOf = day });

    private static DateTimeOffset Utc(string time) =>
        DateTimeOffset.Parse(time, System.Globalization.CultureInfo.InvariantCulture);
}
