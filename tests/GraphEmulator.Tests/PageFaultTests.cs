namespace Rollcall.GraphEmulator.Tests;

public sealed class PageFaultTests(EmulatorFixture emulator) : IClassFixture<EmulatorFixture>
{
    private const string Users = "/v1.0/users/delta?$select=displayName";

    [Theory]
    [InlineData("expiredToken", 400, "syncStateNotFound")]
    [InlineData("goneWithLocation", 410, "resyncRequired")]
    public async Task TokenFault_DeltaLink_IsRefused(string kind, int status, string code)
    {
        var tenant = await emulator.TenantAsync();
        var start = await tenant.ReadAsync(Users);
        await tenant.FaultAsync(
            new
            {
                tenant = tenant.Id,
                kind,
                times = 1,
            }
        );

        Assert.Equal((status, code), await tenant.FailAsync(start.DeltaLink));
        await tenant.ReadAsync(start.DeltaLink);
    }

    [Fact]
    public async Task ExpiredPageToken_NextLinkOnly_IsRefused()
    {
        var tenant = await emulator.TenantAsync(new { users = 3, consented = true });
        await tenant.SettingsAsync(new { pageSize = 2 });
        await tenant.FaultAsync(new { tenant = tenant.Id, kind = "expiredPageToken" });

        var page = await tenant.GetAsync(Users);

        Assert.Equal((400, "Directory_ExpiredPageToken"), await tenant.FailAsync(page.Text("@odata.nextLink")!));
    }

    [Fact]
    public async Task EmptyPage_WithNextLink_LosesNobody()
    {
        var tenant = await emulator.TenantAsync(new { users = 5, consented = true });
        await tenant.SettingsAsync(new { pageSize = 2 });
        await tenant.FaultAsync(
            new
            {
                tenant = tenant.Id,
                kind = "emptyPage",
                every = 2,
            }
        );

        var round = await tenant.ReadAsync(Users);

        Assert.Equal(5, round.Pages);
        Assert.Equal(5, round.Entries.Count);
    }

    [Theory]
    [InlineData("duplicate")]
    [InlineData("shuffle")]
    public async Task Untidy_InitialRound_HoldsEveryoneAtLeastOnce(string kind)
    {
        var tenant = await emulator.TenantAsync(new { users = 25, consented = true });
        await tenant.SettingsAsync(new { pageSize = 6 });
        await tenant.FaultAsync(new { tenant = tenant.Id, kind });

        var round = await tenant.ReadAsync(Users);

        Assert.Equal(25, round.Entries.Select(entry => entry.Id()).Distinct().Count());
        Assert.Equal(kind == "duplicate", round.Entries.Count > 25);
    }

    [Fact]
    public async Task Replay_NextRound_BringsOldChangesAgain()
    {
        var tenant = await emulator.TenantAsync();
        var user = await tenant.AddUserAsync();
        var start = await tenant.ReadAsync(Users);
        await tenant.FaultAsync(new { tenant = tenant.Id, kind = "replay" });

        var round = await tenant.ReadAsync(start.DeltaLink);

        Assert.Equal([user], round.Entries.Select(entry => entry.Id()));
    }
}
