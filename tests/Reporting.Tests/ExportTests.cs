using System.Text;
using CsCheck;
using Grpc.Core;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Reporting.V1;
using Rollcall.Api.Scope.V1;
using Rollcall.Platform;

namespace Rollcall.Reporting.Tests;

public sealed class ExportTests(ReportingFixture service)
{
    /// <summary>What a spreadsheet takes for the start of a formula, some after skipping it.</summary>
    private static readonly char[] Dangerous = ['=', '+', '-', '@', '\t', '\r', '\n', '\0'];

    [Fact]
    public async Task ExportReport_AnyName_NoCellIsAFormula()
    {
        var start = Gen.Char["=+-@\t\r\n\0\"',;a "];
        var text = Gen.Select(
            start,
            start,
            Gen.String[Gen.Char["=+-@\t\r\n\"',;|!abcæ"], 0, 12],
            (a, b, c) => $"{a}{b}{c}"
        );
        var feed = new Feed(service, service.Clients.Add());
        List<User> people = [.. text.Array[60].Single().Select(name => Feed.Person(name, name))];
        people.Add(Feed.Person("=cmd|' /C calc'!A0"));
        await feed.RosterAsync(Feed.Noon(2), [.. people]);
        var decided = people.Select(p => feed.Decided(p, Verdict.ExcludedByRule)).ToArray();
        foreach (var (decision, person) in decided.Zip(people))
        {
            decision.Reason = person.DisplayName;
        }

        await feed.SendAsync(feed.ScopeEvent(Feed.Noon(2), decided));

        var (_, rows) = await ExportAsync(feed.Client, ReportKind.Exclusions);

        Assert.Equal(people.Count + 1, rows.Count);
        Assert.All(rows.SelectMany(r => r), cell => Assert.False(cell.Length > 0 && Dangerous.Contains(cell[0]), cell));
        var named = people.ToDictionary(p => p.Id, p => p.DisplayName.Replace("\0", "", StringComparison.Ordinal));
        Assert.All(rows.Skip(1), row => Assert.EndsWith(named[row[0]], row[1], StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(ReportKind.Coverage, "total|2", "audience|everyone|2", "department|Sales|2")]
    [InlineData(ReportKind.Completion, "basics|Course basics|1|2|0|2")]
    [InlineData(ReportKind.Overdue)]
    [InlineData(ReportKind.Exclusions)]
    [InlineData(ReportKind.Reconciliation, "InScope||2", "Total||2")]
    [InlineData(ReportKind.Comparison)]
    public async Task ExportReport_EveryKind_SaysWhatItRestsOn(ReportKind kind, params string[] starts)
    {
        var feed = new Feed(service, service.Clients.Add());
        User ada = Feed.Person("Ada"),
            bob = Feed.Person("Bob");
        await feed.RosterAsync(Feed.Noon(2), ada, bob);
        await feed.DecideAsync(Feed.Noon(2), ada, Verdict.InScope, "everyone");
        await feed.DecideAsync(Feed.Noon(2), bob, Verdict.InScope, "everyone");
        await feed.AssignAsync(
            Feed.Noon(2),
            Feed.Open(ada, "basics", Feed.Noon(5)),
            Feed.Open(bob, "basics", Feed.Noon(6))
        );

        var from = kind == ReportKind.Comparison ? "2026-01-01" : "";
        var (first, rows) = await ExportAsync(feed.Client, kind, from);

        Assert.Equal(1, first.Basis.RosterVersion);
        Assert.Equal($"{kind}-2026-01-15.csv".ToLowerInvariant(), first.FileName);
        Assert.Equal(["client", "as_of", "roster_version", "policy_version", "complete"], rows[0][^5..]);
        Assert.All(rows.Skip(1), row => Assert.Equal(["Fabrikam", "2026-01-15", "1", "3", "yes"], row[^5..]));
        var lines = rows.Select(r => string.Join('|', r).Replace("||", "|", StringComparison.Ordinal));
        Assert.All(
            starts.Select(s => s.Replace("||", "|", StringComparison.Ordinal)),
            start => Assert.Contains(lines, line => line.StartsWith(start, StringComparison.Ordinal))
        );
        Assert.Equal(
            kind switch
            {
                ReportKind.Overdue or ReportKind.Comparison => 2,
                ReportKind.Exclusions => 0,
                _ => starts.Length,
            },
            rows.Count - 1
        );
    }

    [Fact]
    public async Task ExportReport_NoKind_IsInvalid()
    {
        var client = service.Clients.Add();

        var error = await Assert.ThrowsAsync<RpcException>(() => ExportAsync(client, ReportKind.Unspecified));

        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
    }

    private async Task<(ExportReportResponse First, List<string[]> Rows)> ExportAsync(
        ClientInfo client,
        ReportKind kind,
        string from = ""
    )
    {
        using var call = service
            .Admin(client)
            .ExportReport(
                new()
                {
                    ClientId = client.ClientId.ToString(),
                    Report = kind,
                    From = from,
                }
            );
        using var file = new MemoryStream();
        ExportReportResponse? first = null;
        await foreach (var part in call.ResponseStream.ReadAllAsync())
        {
            first ??= part;
            part.Chunk.WriteTo(file);
        }

        var bytes = file.ToArray();
        Assert.Equal(Encoding.UTF8.GetPreamble(), bytes[..3]);
        return (first!, Csv.Parse(Encoding.UTF8.GetString(bytes[3..])));
    }
}

/// <summary>Reads RFC 4180 with every cell quoted, on its own: the reader of the library that wrote it proves little.</summary>
internal static class Csv
{
    public static List<string[]> Parse(string text)
    {
        List<string[]> rows = [];
        List<string> row = [];
        for (var i = 0; i < text.Length; )
        {
            Assert.Equal('"', text[i++]);
            var cell = new StringBuilder();
            while (text[i] != '"' || (i + 1 < text.Length && text[i + 1] == '"'))
            {
                i += text[i] == '"' ? 1 : 0;
                cell.Append(text[i++]);
            }

            row.Add(cell.ToString());
            i++;
            if (text[i] == ',')
            {
                i++;
                continue;
            }

            Assert.Equal("\r\n", text.Substring(i, 2));
            i += 2;
            rows.Add([.. row]);
            row.Clear();
        }

        return rows;
    }
}
