using Google.Protobuf;
using Grpc.Core;
using Rollcall.Api.Directory.V1;

namespace Rollcall.DirectorySync.Tests;

public sealed class CsvTests(DirectoryFixture service)
{
    private const string People = """
        key,display_name,mail,department,manager_key,hire_date
        1,Rae Ortiz,Rae@fabrikam.example,Sales,,2024-02-01
        2,"Łukasz, Óskar",lukasz@fabrikam.example,Sales,1,
        """;

    [Fact]
    public async Task ImportCsv_Twice_AddsOnceAndThenChangesNothing()
    {
        var client = await service.ClientAsync();

        var first = await ImportAsync(client, People);
        var second = await ImportAsync(client, People);

        Assert.Equal((2, 1L), (first.Added, first.RosterVersion));
        Assert.Equal((0, 0, 0L), (second.Added, second.Changed, second.RosterVersion));
        var users = await client.UsersAsync();
        var manager = Assert.Single(users, u => u.ExternalId == "1");
        Assert.Equal(("rae@fabrikam.example", Source.Csv, 1), (manager.Mail, manager.Authority, manager.DirectReports));
        Assert.Equal(manager.Id, Assert.Single(users, u => u.ExternalId == "2").ManagerId);
    }

    [Fact]
    public async Task ImportCsv_DryRun_SaysWhatItWouldDoAndDoesNothing()
    {
        var client = await service.ClientAsync();

        var answer = await client.Roster.ImportCsvAsync(Request(client, People, dryRun: true));

        Assert.Equal((2, 0L), (answer.Added, answer.RosterVersion));
        Assert.Empty(await client.UsersAsync());
        Assert.Equal(0, await client.RosterVersionAsync());
    }

    [Fact]
    public async Task ImportCsv_BesideADirectory_LeavesItsPeopleAlone()
    {
        var client = await service.ConnectedAsync();
        await client.AddPeopleAsync(3);
        await client.SyncedAsync();

        await ImportAsync(client, People);
        await client.SyncedAsync(SyncMode.Full);

        Assert.Equal(5, (await client.UsersAsync()).Count(u => u.State == UserState.Active));
    }

    [Fact]
    public async Task ImportCsv_MostPeopleMissing_IsHeldBack()
    {
        var client = await service.ClientAsync();
        var everybody = string.Concat(Enumerable.Range(1, 20).Select(i => $"{i},P{i},p{i}@x.example\n"));
        await ImportAsync(client, $"key,display_name,mail\n{everybody}");

        var answer = await ImportAsync(client, "key,display_name,mail\n1,P1,p1@x.example\n");

        Assert.Equal((0, 19), (answer.Removed, answer.Staged));
        Assert.All(await client.UsersAsync(), u => Assert.Equal(UserState.Active, u.State));
    }

    [Fact]
    public async Task ImportCsv_NoAddressOrAnothersAddress_EscrowsThemAloneAndSaysWhoMendsIt()
    {
        var client = await service.ConnectedAsync();
        var ada = await client.AddPersonAsync("ada");
        await client.SyncedAsync();
        var taken = (await client.UserAsync(ada)).Mail;
        const string header = "key,display_name,mail\n1,Rae,rae@x.example\n";

        await ImportAsync(client, $"{header}2,Bo,\n3,Cy,{taken}\n");

        var shown = (await client.Syncs.ListEscrowedAsync(new() { ClientId = client.Id })).Objects;
        Assert.Equal(
            [("2", "MAIL_MISSING"), ("3", "MAIL_DUPLICATE")],
            shown.Select(o => (o.ExternalId, o.ReasonCode)).Order()
        );
        Assert.All(shown, o => Assert.Equal((FixOwner.Msp, null), (o.Owner, o.NextRetryTime)));
        Assert.All(shown, o => Assert.Contains("next import", o.Retry, StringComparison.Ordinal));
        Assert.Contains(shown, o => o.Problem.Contains("ada", StringComparison.Ordinal));
        var health = await client.HealthAsync();
        Assert.Equal(("ENTRIES_ESCROWED", FixOwner.Msp), (health.ErrorCode, health.Owner));
        Assert.Equal("", Assert.Single(await client.UsersAsync(), u => u.ExternalId == "1").EscrowReason);

        // One is mended by the next file, the other by whoever had the address first.
        await ImportAsync(client, $"{header}2,Bo,bo@x.example\n3,Cy,{taken}\n");
        await client.GraphAsync(HttpMethod.Patch, $"users/{ada}", new { mail = "other@x.example" });
        await client.SyncedAsync();

        Assert.Empty((await client.Syncs.ListEscrowedAsync(new() { ClientId = client.Id })).Objects);
        Assert.Equal(HealthState.Healthy, (await client.HealthAsync()).State);
    }

    [Theory]
    [InlineData("", "needs a header line")]
    [InlineData("key,display_name\n1,Rae\n", "column mail is missing")]
    [InlineData("key,display_name,mail,shoe\n1,Rae,r@x.example,42\n", "column shoe is not known")]
    [InlineData("key,display_name,mail\n1,Rae,nowhere\n", "line 2: mail is no address")]
    [InlineData(
        "key,display_name,mail\n1,Rae,r@x.example\n1,Ray,s@x.example\n",
        "line 3: key 1 stands in line 2 already"
    )]
    [InlineData("key,display_name,mail,hire_date\n1,Rae,r@x.example,31.12.2026\n", "line 2: hire_date")]
    [InlineData("key,display_name,mail,manager_key\n1,Rae,r@x.example,9\n", "manager_key 9 is no key")]
    [InlineData("key,display_name,mail\n1,\"Rae,r@x.example\n", "line 2: quotes or the number of fields")]
    [InlineData("key,display_name,mail\n1,Rae\n", "line 2: quotes or the number of fields")]
    public async Task ImportCsv_Malformed_NamesLineAndColumnAndWritesNothing(string content, string problem)
    {
        var client = await service.ClientAsync();

        var error = await Assert.ThrowsAsync<RpcException>(() => ImportAsync(client, content));

        Assert.Equal("CSV_INVALID", TestClient.ReasonOf(error));
        Assert.Contains(problem, error.Status.Detail, StringComparison.Ordinal);
        Assert.Empty(await client.UsersAsync());
    }

    private static async Task<ImportCsvResponse> ImportAsync(TestClient client, string content) =>
        await client.Roster.ImportCsvAsync(Request(client, content, dryRun: false));

    private static ImportCsvRequest Request(TestClient client, string content, bool dryRun) =>
        new()
        {
            ClientId = client.Id,
            Content = ByteString.CopyFromUtf8(content),
            DryRun = dryRun,
        };
}
