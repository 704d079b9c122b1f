using Microsoft.EntityFrameworkCore;

namespace Rollcall.Edge.Tests;

public sealed class BootstrapAccountsTests(EdgeFixture fixture)
{
    [Fact]
    public async Task Start_FileChanged_UpdatesTheSameAccount()
    {
        using var folder = new TemporaryFolder();
        var msp = Guid.CreateVersion7();
        var clientId = $"bootstrap-{Guid.CreateVersion7():N}";

        var first = await StartWithAsync(
            folder,
            clientId,
            $$"""[{"client_id":"{{clientId}}","client_secret":"one","kind":"partner","msp_id":"{{msp}}","clients":["*"],"scopes":["tickets"]}]"""
        );
        var again = await StartWithAsync(
            folder,
            clientId,
            $$"""[{"client_id":"{{clientId}}","client_secret":"two","kind":"client-viewer","msp_id":"{{msp}}","clients":[]}]"""
        );

        Assert.Equal(first.Id, again.Id);
        Assert.Equal(("partner", "client-viewer"), (first.Role, again.Role));
        Assert.Null(first.VisibleClientIds);
        Assert.Equal([], again.VisibleClientIds);
        Assert.Equal([], again.Scopes);
        using var old = await fixture.AskForTokenAsync(clientId, "one");
        using var current = await fixture.AskForTokenAsync(clientId, "two");
        Assert.False(old.IsSuccessStatusCode);
        Assert.True(current.IsSuccessStatusCode);
    }

    [Fact]
    public async Task Start_AccountWasDisabled_StaysDisabled()
    {
        using var folder = new TemporaryFolder();
        var clientId = $"bootstrap-{Guid.CreateVersion7():N}";
        var file = $$"""[{"client_id":"{{clientId}}","client_secret":"one","kind":"platform-admin"}]""";
        await StartWithAsync(folder, clientId, file);
        await fixture.Edge.AccountsAsync(
            (_, db) =>
                db
                    .Accounts.Where(a => a.ClientId == clientId)
                    .ExecuteUpdateAsync(s => s.SetProperty(a => a.DisabledAt, fixture.Clock.GetUtcNow()))
        );

        var again = await StartWithAsync(folder, clientId, file);

        Assert.NotNull(again.DisabledAt);
    }

    [Theory]
    [InlineData("kind", """{"client_id":"x","client_secret":"y","kind":"king"}""")]
    [InlineData("msp_id", """{"client_id":"x","client_secret":"y","kind":"msp-admin"}""")]
    [InlineData(
        "clients",
        """{"client_id":"x","client_secret":"y","kind":"partner","msp_id":"0198c000-0000-7000-8000-000000000001"}"""
    )]
    public async Task Start_FaultyEntry_NamesIt(string fault, string entry)
    {
        using var folder = new TemporaryFolder();

        var error = await Assert.ThrowsAnyAsync<InvalidOperationException>(() =>
            StartWithAsync(folder, "x", $"[{entry}]")
        );

        Assert.Contains("Edge:Clients, x:", error.Message);
        Assert.Contains(fault, error.Message);
    }

    private async Task<Account> StartWithAsync(TemporaryFolder folder, string clientId, string json)
    {
        var file = Path.Combine(folder.Path, "clients.json");
        await File.WriteAllTextAsync(file, json);
        await using var edge = fixture.Start(("Edge:Clients", file));
        Account? account = null;
        await edge.AccountsAsync(
            async (_, db) => account = await db.Accounts.AsNoTracking().SingleAsync(a => a.ClientId == clientId)
        );
        return account!;
    }
}
