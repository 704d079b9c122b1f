namespace Rollcall.GraphEmulator.Tests;

public sealed class UserDeltaTests(EmulatorFixture emulator) : IClassFixture<EmulatorFixture>
{
    private const string Users = "/v1.0/users/delta?$select=displayName,department,accountEnabled,manager";

    [Theory]
    [InlineData("delta")]
    [InlineData("delta()")]
    [InlineData("microsoft.graph.delta")]
    [InlineData("microsoft.graph.delta()")]
    public async Task Delta_AnySpelling_AnswersTheStream(string spelling)
    {
        var tenant = await emulator.TenantAsync();
        var user = await tenant.AddUserAsync();

        var round = await tenant.ReadAsync($"/v1.0/users/{spelling}?$select=displayName");

        Assert.Equal([user], round.Entries.Select(entry => entry.Id()));
    }

    [Fact]
    public async Task Delta_InitialRound_PagesHoldEveryoneOnce()
    {
        var tenant = await emulator.TenantAsync(new { users = 450, consented = true });

        var round = await tenant.ReadAsync(Users);

        Assert.Equal(3, round.Pages);
        Assert.Equal(450, round.Entries.Select(entry => entry.Id()).Distinct().Count());
        Assert.Equal(450, round.Entries.Count);
    }

    [Fact]
    public async Task Delta_NothingChanged_IsEmptyWithANewLink()
    {
        var tenant = await emulator.TenantAsync(new { users = 3, consented = true });
        var first = await tenant.ReadAsync(Users);

        var second = await tenant.ReadAsync(first.DeltaLink);

        Assert.Empty(second.Entries);
        Assert.NotEqual(first.DeltaLink, second.DeltaLink);
    }

    [Fact]
    public async Task Delta_NeverSetUnsetAndUnselected_AreAbsentNullAndAbsent()
    {
        var tenant = await emulator.TenantAsync();
        var unset = await tenant.AddUserAsync(
            new
            {
                displayName = "A",
                department = "Sales",
                jobTitle = "Clerk",
            }
        );
        await tenant.PatchUserAsync(unset, new { department = (string?)null });
        var never = await tenant.AddUserAsync(new { displayName = "B" });

        var round = await tenant.ReadAsync(Users);

        Assert.Equal(System.Text.Json.JsonValueKind.Null, round.Of(unset).GetProperty("department").ValueKind);
        Assert.False(round.Of(unset).Has("jobTitle"));
        Assert.False(round.Of(never).Has("department"));
    }

    [Fact]
    public async Task Delta_MinimalMode_HoldsOnlyTheChangedProperty()
    {
        var tenant = await emulator.TenantAsync();
        var user = await tenant.AddUserAsync(new { displayName = "A", department = "Sales" });
        var first = await tenant.ReadAsync(Users);
        await tenant.PatchUserAsync(user, new { department = "Legal" });

        var full = await tenant.ReadAsync(first.DeltaLink);
        var minimal = await tenant.ReadAsync(first.DeltaLink, prefer: "return=minimal");

        Assert.Equal("A", full.Of(user).Text("displayName"));
        Assert.Equal("""{"id":"ID","department":"Legal"}""".Replace("ID", user), minimal.Of(user).GetRawText());
    }

    [Fact]
    public async Task Delta_UntrackedPropertyChanged_ShowsNothing()
    {
        var tenant = await emulator.TenantAsync();
        var user = await tenant.AddUserAsync();
        var first = await tenant.ReadAsync(Users);
        await tenant.PatchUserAsync(user, new { jobTitle = "Clerk" });

        var second = await tenant.ReadAsync(first.DeltaLink);

        Assert.Empty(second.Entries);
    }

    [Fact]
    public async Task Delta_DeleteRestorePurge_AreChangedWholeAndDeleted()
    {
        var tenant = await emulator.TenantAsync();
        var user = await tenant.AddUserAsync(new { displayName = "A", department = "Sales" });
        var start = await tenant.ReadAsync(Users);

        await tenant.ControlAsync(HttpMethod.Delete, $"users/{user}");
        var deleted = await tenant.ReadAsync(start.DeltaLink);
        await tenant.ControlAsync(HttpMethod.Post, $"users/{user}/restore");
        var restored = await tenant.ReadAsync(deleted.DeltaLink, prefer: "return=minimal");
        await tenant.ControlAsync(HttpMethod.Post, $"users/{user}/purge");
        var purged = await tenant.ReadAsync(restored.DeltaLink);

        Assert.Equal("changed", deleted.Of(user).Removed());
        Assert.Null(restored.Of(user).Removed());
        Assert.Equal("Sales", restored.Of(user).Text("department"));
        Assert.Equal("deleted", purged.Of(user).Removed());
    }

    [Fact]
    public async Task Delta_RemovedBeforeInitial_IsNotReturnedUnlessSetSo()
    {
        var tenant = await emulator.TenantAsync();
        var user = await tenant.AddUserAsync();
        await tenant.ControlAsync(HttpMethod.Delete, $"users/{user}");

        var plain = await tenant.ReadAsync(Users);
        await tenant.SettingsAsync(new { removedInInitial = true });
        var withRemoved = await tenant.ReadAsync(Users);

        Assert.Empty(plain.Entries);
        Assert.Equal("changed", withRemoved.Of(user).Removed());
    }

    [Fact]
    public async Task Delta_ManagerChanged_ShowsOldRemovedAndNew()
    {
        var tenant = await emulator.TenantAsync();
        var (first, second) = (await tenant.AddUserAsync(), await tenant.AddUserAsync());
        var user = await tenant.AddUserAsync(new { manager = first });
        var start = await tenant.ReadAsync(Users);
        await tenant.ControlAsync(HttpMethod.Put, $"users/{user}/manager", new { manager = second });

        var round = await tenant.ReadAsync(start.DeltaLink);

        Assert.Equal([first], start.Of(user).Array("manager@delta").Select(link => link.Id()));
        Assert.Equal(
            [(first, "deleted"), (second, null)],
            round.Of(user).Array("manager@delta").Select(link => (link.Id(), link.Removed()))
        );
    }

    [Fact]
    public async Task Delta_ChangedDuringTheRound_ComesAgainInTheNext()
    {
        var tenant = await emulator.TenantAsync(new { users = 5, consented = true });
        await tenant.SettingsAsync(new { pageSize = 2 });
        var page = await tenant.GetAsync(Users);
        var user = page.GetProperty("value")[0].Id();
        await tenant.PatchUserAsync(user, new { department = "Moved" });

        var rest = await tenant.ReadAsync(page.Text("@odata.nextLink")!);
        var next = await tenant.ReadAsync(rest.DeltaLink);

        Assert.Equal("Moved", next.Of(user).Text("department"));
    }

    [Fact]
    public async Task Delta_Filter_HoldsTheNamedIdsOnly()
    {
        var tenant = await emulator.TenantAsync();
        var (first, second) = (await tenant.AddUserAsync(), await tenant.AddUserAsync());
        await tenant.AddUserAsync();

        var round = await tenant.ReadAsync($"{Users}&$filter=id eq '{first}' or id eq '{second}'");

        Assert.Equal([first, second], round.Entries.Select(entry => entry.Id()));
    }

    [Fact]
    public async Task Delta_PropertyOutsideTheStore_IsNotImplemented()
    {
        var tenant = await emulator.TenantAsync();

        var answer = await tenant.FailAsync("/v1.0/users/delta?$select=displayName,aboutMe");

        Assert.Equal((501, "NotImplemented"), answer);
    }
}
