using System.Net;

namespace Rollcall.GraphEmulator.Tests;

public sealed class DeltaTokenTests(EmulatorFixture emulator) : IClassFixture<EmulatorFixture>
{
    private const string Users = "/v1.0/users/delta?$select=displayName";

    [Fact]
    public async Task Token_OlderThanSevenDays_IsSyncStateNotFound()
    {
        var tenant = await emulator.TenantAsync();
        var round = await tenant.ReadAsync(Users);
        await emulator.SendAsync(HttpMethod.Post, "/_emulator/clock", new { advance = "6.23:00:00" });
        var fresh = await tenant.ReadAsync(round.DeltaLink);
        await emulator.SendAsync(HttpMethod.Post, "/_emulator/clock", new { advance = 7200 });

        var answer = await tenant.FailAsync(round.DeltaLink);
        var renewed = await tenant.ReadAsync(fresh.DeltaLink);

        Assert.Equal((400, "syncStateNotFound"), answer);
        Assert.Empty(renewed.Entries);
    }

    [Fact]
    public async Task Token_AfterServiceReset_IsGoneWithAnAddressThatStartsAgain()
    {
        var tenant = await emulator.TenantAsync(new { users = 2, consented = true });
        var round = await tenant.ReadAsync(Users);
        await tenant.ControlAsync(HttpMethod.Post, "reset");

        using var answer = await tenant.SendAsync(round.DeltaLink);
        var again = await tenant.ReadAsync(answer.Headers.Location!.ToString());

        Assert.Equal(HttpStatusCode.Gone, answer.StatusCode);
        Assert.EndsWith("/v1.0/users/delta?$select=displayName&$deltatoken=", answer.Headers.Location.ToString());
        Assert.Equal(2, again.Entries.Count);
    }

    [Theory]
    [InlineData("garbage")]
    [InlineData("AAAA")]
    [InlineData("%20")]
    public async Task Token_Garbage_IsBadlyFormed(string token)
    {
        var tenant = await emulator.TenantAsync();

        Assert.Equal((400, "BadRequest"), await tenant.FailAsync($"/v1.0/users/delta?$deltatoken={token}"));
        Assert.Equal((400, "BadRequest"), await tenant.FailAsync($"/v1.0/users/delta?$skiptoken={token}"));
    }

    [Fact]
    public async Task Token_OneCharacterChanged_IsBadlyFormed()
    {
        var tenant = await emulator.TenantAsync();
        var link = (await tenant.ReadAsync(Users)).DeltaLink;
        var changed = link[..^5] + (link[^5] == 'A' ? 'B' : 'A') + link[^4..];

        Assert.Equal((400, "BadRequest"), await tenant.FailAsync(changed));
    }

    [Fact]
    public async Task Token_OfTheOtherStream_IsAcceptedAndEmpty()
    {
        var tenant = await emulator.TenantAsync(
            new
            {
                users = 2,
                groups = 1,
                consented = true,
            }
        );
        var groups = await tenant.ReadAsync("/v1.0/groups/delta?$select=displayName");

        var round = await tenant.ReadAsync(groups.DeltaLink.Replace("/groups/", "/users/"));

        Assert.Empty(round.Entries);
        Assert.Contains("/users/delta()", round.DeltaLink);
    }

    [Fact]
    public async Task Token_OfAnotherTenant_IsRefused()
    {
        var (one, other) = (await emulator.TenantAsync(), await emulator.TenantAsync());
        var round = await one.ReadAsync(Users);

        Assert.Equal((400, "BadRequest"), await other.FailAsync(round.DeltaLink));
    }

    [Theory]
    [InlineData("$deltatoken")]
    [InlineData("$deltaToken")]
    public async Task Token_Latest_StartsFromNow(string option)
    {
        var tenant = await emulator.TenantAsync(new { users = 2, consented = true });
        var latest = await tenant.ReadAsync($"{Users}&{option}=latest");
        var user = await tenant.AddUserAsync();

        var round = await tenant.ReadAsync(latest.DeltaLink);

        Assert.Empty(latest.Entries);
        Assert.Equal([user], round.Entries.Select(entry => entry.Id()));
    }

    [Fact]
    public async Task Token_UsedTwice_GivesTheSameSet()
    {
        var tenant = await emulator.TenantAsync(new { users = 5, consented = true });
        var start = await tenant.ReadAsync(Users);
        await tenant.AddUserAsync();
        await tenant.AddUserAsync();

        var first = await tenant.ReadAsync(start.DeltaLink);
        var second = await tenant.ReadAsync(start.DeltaLink);

        Assert.Equal(
            first.Entries.Select(entry => entry.GetRawText()),
            second.Entries.Select(entry => entry.GetRawText())
        );
    }

    [Fact]
    public async Task Lag_ChangeNotYetVisible_IsInGetButNotInDelta()
    {
        var tenant = await emulator.TenantAsync();
        var user = await tenant.AddUserAsync(new { displayName = "Before" });
        var start = await tenant.ReadAsync(Users);
        await tenant.SettingsAsync(new { lagMinSeconds = 300, lagMaxSeconds = 300 });
        await tenant.PatchUserAsync(user, new { displayName = "After" });

        var plain = await tenant.GetAsync($"/v1.0/users/{user}");
        var early = await tenant.ReadAsync(start.DeltaLink);
        var initial = await tenant.ReadAsync(Users);
        await emulator.SendAsync(HttpMethod.Post, "/_emulator/clock", new { advance = 301 });
        var late = await tenant.ReadAsync(early.DeltaLink);

        Assert.Equal("After", plain.Text("displayName"));
        Assert.Empty(early.Entries);
        Assert.Equal("Before", initial.Of(user).Text("displayName"));
        Assert.Equal("After", late.Of(user).Text("displayName"));
    }
}
