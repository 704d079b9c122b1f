using CsCheck;
using Rollcall.Api;
using Rollcall.Api.Reporting.V1;
using Rollcall.Platform;

namespace Rollcall.Reporting.Tests;

/// <summary>
/// Made-up histories, delivered in any order and more than once over the real broker, against a model in memory.
/// </summary>
public sealed class HistoryTests(ReportingFixture service)
{
    private static readonly int[] Days = [2, 5, 9, 15];

    [Fact]
    public Task Reports_EventsShuffledAndRepeated_AgreeWithTheModel() =>
        Gen.Select(World.Any, Gen.Int).SampleAsync(AgreesAsync, iter: 12, threads: 1);

    private async Task<bool> AgreesAsync(World world, int order)
    {
        var feed = new Feed(service, service.Clients.Add(timeZone: World.Zone));
        var events = world.Events(feed.Client);
        var random = new Random(order);
        ITenantEvent[] delivered = [.. events, .. events.Where(_ => random.Next(3) == 0)];
        random.Shuffle(delivered);
        await feed.SendAsync(delivered);

        foreach (var day in Days)
        {
            await CoverageAgreesAsync(world, feed.Client, day);
            await CompletionSumsAsync(world, feed.Client, day);
            await ReconciliationAgreesAsync(world, feed.Client, from: null, day);
            await ReconciliationAgreesAsync(world, feed.Client, from: Math.Max(1, day - 3), day);
        }

        return true;
    }

    private async Task CoverageAgreesAsync(World world, ClientInfo client, int day)
    {
        var report = await service
            .Admin(client)
            .GetCoverageAsync(new() { ClientId = client.ClientId.ToString(), AsOf = Day(day) });

        var total = report.Total;
        Assert.Equal(
            world.Coverage(World.EndOf(day)),
            World.Line(total.People, total.Paused, total.WithPath, total.Assigned, total.Completed, total.Overdue)
        );
        Assert.Equal(total.People, report.Departments.Sum(d => d.People));
    }

    private async Task CompletionSumsAsync(World world, ClientInfo client, int day)
    {
        var report = await service
            .Admin(client)
            .GetCompletionAsync(new() { ClientId = client.ClientId.ToString(), AsOf = Day(day) });

        Assert.Equal(
            world.WorkCount(World.EndOf(day)),
            report.Courses.Sum(c =>
                c.Assigned
                + c.Waived
                + c.Withdrawn
                + c.CompletedWhileEmployed
                + c.CompletedWhileInScope
                + c.NotWithdrawnYet
            )
        );
    }

    private async Task ReconciliationAgreesAsync(World world, ClientInfo client, int? from, int day)
    {
        var report = await service
            .Admin(client)
            .GetReconciliationAsync(
                new()
                {
                    ClientId = client.ClientId.ToString(),
                    AsOf = Day(day),
                    From = from is { } first ? Day(first) : "",
                }
            );

        var end = World.EndOf(day);
        var seen = world.Seen(from is { } start ? World.EndOf(start - 1) : null, end);
        Assert.Equal(report.Total, report.Lines.Sum(l => l.People));
        Assert.Equal(
            seen.GroupBy(u => world.StandingOf(u, end)).OrderBy(g => g.Key).Select(g => $"{g.Key} {g.Count()}"),
            report
                .Lines.Where(l => l.Standing != Standing.OutsideImportScope)
                .GroupBy(l => l.Standing)
                .Select(g => $"{g.Key} {g.Sum(l => l.People)}")
        );
        Assert.Equal(seen.Count + (report.OutsideImportScopeKnown ? world.OutsideImport : 0), report.Total);
        Assert.Equal(world.InScope(end).Intersect(seen).Count(), report.InScope);
    }

    private static string Day(int day) => $"2026-01-{day:00}";
}
