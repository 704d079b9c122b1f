namespace Rollcall.GraphEmulator.Tests;

public sealed class GroupDeltaTests(EmulatorFixture emulator) : IClassFixture<EmulatorFixture>
{
    private const string Groups = "/v1.0/groups/delta?$select=displayName,members";

    [Fact]
    public async Task Delta_LargeGroup_IsRepeatedWithSlicesOfItsMembers()
    {
        var tenant = await emulator.TenantAsync(
            new
            {
                users = 30,
                groups = 0,
                consented = true,
            }
        );
        var people = (await tenant.TruthAsync()).Array("users").Select(user => user.Id()).ToArray();
        await tenant.SettingsAsync(new { linksPerPage = 7 });
        var group = await tenant.AddGroupAsync("Big", people);

        var round = await tenant.ReadAsync(Groups);

        Assert.Equal(5, round.Pages);
        Assert.Equal(people.Order(), round.Links(group).Keys.Order());
        Assert.Equal(30, round.Entries.Sum(entry => entry.Array("members@delta").Count));
    }

    [Fact]
    public async Task Delta_MemberRemovedBetweenPages_NobodyElseIsSkipped()
    {
        var tenant = await emulator.TenantAsync(
            new
            {
                users = 10,
                groups = 0,
                consented = true,
            }
        );
        var people = (await tenant.TruthAsync()).Array("users").Select(user => user.Id()).ToArray();
        await tenant.SettingsAsync(new { linksPerPage = 4 });
        var group = await tenant.AddGroupAsync("Big", people);
        var page = await tenant.GetAsync(Groups);
        await tenant.ControlAsync(HttpMethod.Delete, $"groups/{group}/members/{people[0]}");

        var rest = await tenant.ReadAsync(page.Text("@odata.nextLink")!);
        var next = await tenant.ReadAsync(rest.DeltaLink);

        var seen = page.Array("value")[0].Array("members@delta").Select(link => link.Id());
        Assert.Equal(people.Order(), seen.Concat(rest.Links(group).Keys).Order());
        Assert.Equal([(people[0], false)], next.Links(group).Select(link => (link.Key, link.Value)));
    }

    [Fact]
    public async Task Delta_MembersAddedAndRemoved_HoldsTheDifferenceOnly()
    {
        var tenant = await emulator.TenantAsync();
        var (stays, leaves, comes) = (
            await tenant.AddUserAsync(),
            await tenant.AddUserAsync(),
            await tenant.AddUserAsync()
        );
        var group = await tenant.AddGroupAsync("Team", stays, leaves);
        var start = await tenant.ReadAsync(Groups);
        await tenant.ControlAsync(HttpMethod.Delete, $"groups/{group}/members/{leaves}");
        await tenant.ControlAsync(HttpMethod.Put, $"groups/{group}/members/{comes}");

        var round = await tenant.ReadAsync(start.DeltaLink);

        Assert.Equal(new() { [leaves] = false, [comes] = true }, round.Links(group));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Delta_MemberObjectRemoved_IsNotAMemberRemoval(bool purge)
    {
        var tenant = await emulator.TenantAsync();
        var user = await tenant.AddUserAsync();
        await tenant.AddGroupAsync("Team", user);
        var start = await tenant.ReadAsync(Groups);
        await tenant.ControlAsync(HttpMethod.Delete, $"users/{user}");
        if (purge)
        {
            await tenant.ControlAsync(HttpMethod.Post, $"users/{user}/purge");
        }

        var round = await tenant.ReadAsync(start.DeltaLink);

        Assert.Empty(round.Entries);
    }

    [Fact]
    public async Task Delta_MemberRestored_IsSilentUnlessSetOtherwise()
    {
        var tenant = await emulator.TenantAsync();
        var user = await tenant.AddUserAsync();
        var group = await tenant.AddGroupAsync("Team", user);
        await tenant.ControlAsync(HttpMethod.Delete, $"users/{user}");
        var start = await tenant.ReadAsync(Groups);

        await tenant.ControlAsync(HttpMethod.Post, $"users/{user}/restore");
        var silent = await tenant.ReadAsync(start.DeltaLink);
        await tenant.SettingsAsync(new { restoreEmitsLinks = true });
        await tenant.ControlAsync(HttpMethod.Delete, $"users/{user}");
        await tenant.ControlAsync(HttpMethod.Post, $"users/{user}/restore");
        var told = await tenant.ReadAsync(silent.DeltaLink);

        Assert.Empty(start.Links(group));
        Assert.Empty(silent.Entries);
        Assert.Equal(new() { [user] = true }, told.Links(group));
    }

    [Theory]
    [InlineData("security", "deleted")]
    [InlineData("microsoft365", "changed")]
    public async Task Delta_GroupDeleted_ReasonDependsOnItsKind(string kind, string reason)
    {
        var tenant = await emulator.TenantAsync();
        var group = (await tenant.ControlAsync(HttpMethod.Post, "groups", new { displayName = "Team", kind })).Id();
        var start = await tenant.ReadAsync(Groups);
        await tenant.ControlAsync(HttpMethod.Delete, $"groups/{group}");

        var round = await tenant.ReadAsync(start.DeltaLink);

        Assert.Equal(reason, round.Of(group).Removed());
    }

    [Fact]
    public async Task Delta_GroupRestored_ComesWholeWithItsMembers()
    {
        var tenant = await emulator.TenantAsync();
        var user = await tenant.AddUserAsync();
        var created = await tenant.ControlAsync(
            HttpMethod.Post,
            "groups",
            new
            {
                displayName = "Team",
                kind = "microsoft365",
                members = new[] { user },
            }
        );
        await tenant.ControlAsync(HttpMethod.Delete, $"groups/{created.Id()}");
        var start = await tenant.ReadAsync(Groups);
        await tenant.ControlAsync(HttpMethod.Post, $"groups/{created.Id()}/restore");

        var round = await tenant.ReadAsync(start.DeltaLink);

        Assert.Equal("Team", round.Of(created.Id()).Text("displayName"));
        Assert.Equal(new() { [user] = true }, round.Links(created.Id()));
    }

    [Fact]
    public async Task TransitiveMembers_Cycle_HoldsEachOnce()
    {
        var tenant = await emulator.TenantAsync();
        var user = await tenant.AddUserAsync();
        var inner = await tenant.AddGroupAsync("Inner", user);
        var outer = await tenant.AddGroupAsync("Outer", inner);
        await tenant.ControlAsync(HttpMethod.Put, $"groups/{inner}/members/{outer}");

        var answer = await tenant.GetAsync($"/v1.0/groups/{outer}/transitiveMembers");

        Assert.Equal([inner, user], answer.Array("value").Select(member => member.Id()));
    }
}
