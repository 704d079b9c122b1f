using System.Text.Json;

namespace Rollcall.GraphEmulator.Tests;

public sealed class ReadsTests(EmulatorFixture emulator) : IClassFixture<EmulatorFixture>
{
    [Fact]
    public async Task Users_Paged_HoldsEveryoneWithSelectedPropertiesOnly()
    {
        var tenant = await emulator.TenantAsync(new { users = 25, consented = true });

        var (seen, address) = (new List<JsonElement>(), "/v1.0/users?$top=10&$select=mail,department");
        while (address is not null)
        {
            var page = await tenant.GetAsync(address);
            seen.AddRange(page.Array("value"));
            address = page.Has("@odata.nextLink") ? page.Text("@odata.nextLink") : null;
        }

        Assert.Equal(25, seen.Select(user => user.Id()).Distinct().Count());
        Assert.All(
            seen,
            user => Assert.Equal(["id", "mail", "department"], user.EnumerateObject().Select(p => p.Name))
        );
    }

    [Fact]
    public async Task User_NeverSetProperty_IsNullInPlainReads()
    {
        var tenant = await emulator.TenantAsync();
        var user = await tenant.AddUserAsync();

        var answer = await tenant.GetAsync($"/v1.0/users/{user}?$select=department");

        Assert.Equal(JsonValueKind.Null, answer.GetProperty("department").ValueKind);
    }

    [Fact]
    public async Task DeletedItems_SoftDeletedUser_IsListedUntilPurged()
    {
        var tenant = await emulator.TenantAsync();
        var user = await tenant.AddUserAsync();
        await tenant.ControlAsync(HttpMethod.Delete, $"users/{user}");

        var deleted = await tenant.GetAsync("/v1.0/directory/deletedItems/microsoft.graph.user");
        await tenant.ControlAsync(HttpMethod.Post, $"users/{user}/purge");
        var purged = await tenant.GetAsync("/v1.0/directory/deletedItems/microsoft.graph.user");

        Assert.Equal([user], deleted.Array("value").Select(item => item.Id()));
        Assert.True(deleted.Array("value")[0].Has("deletedDateTime"));
        Assert.Empty(purged.Array("value"));
    }

    [Theory]
    [InlineData("shared", null, 200)]
    [InlineData(null, "MailboxNotEnabledForRESTAPI", 404)]
    [InlineData("blocked", "ErrorAccessDenied", 403)]
    public async Task UserPurpose_ByMailbox_IsValueOrError(string? purpose, string? code, int status)
    {
        var tenant = await emulator.TenantAsync();
        await tenant.GrantAsync("MailboxSettings.Read");
        var user = await tenant.AddUserAsync(new { mailboxPurpose = purpose, mailboxBlocked = purpose == "blocked" });
        var address = $"/v1.0/users/{user}/mailboxSettings/userPurpose";

        if (code is null)
        {
            Assert.Equal(purpose, (await tenant.GetAsync(address)).Text("value"));
        }
        else
        {
            Assert.Equal((status, code), await tenant.FailAsync(address));
        }
    }

    [Theory]
    [InlineData("users?$select=nonsense", 400, "BadRequest")]
    [InlineData("users?$select=aboutMe", 501, "NotImplemented")]
    [InlineData("users?$top=1000", 400, "Request_UnsupportedQuery")]
    [InlineData("users/00000000-0000-4000-8000-000000000000", 404, "Request_ResourceNotFound")]
    [InlineData("organization", 403, "Authorization_RequestDenied")]
    [InlineData("directory/deletedItems/microsoft.graph.group", 403, "Authorization_RequestDenied")]
    [InlineData("nothing", 400, "BadRequest")]
    public async Task Refused_Call_NamesTheCode(string path, int status, string code)
    {
        var tenant = await emulator.TenantAsync();

        Assert.Equal((status, code), await tenant.FailAsync("/v1.0/" + path));
    }

    [Fact]
    public async Task SignInActivity_WithoutPremium_FailsTheWholeCall()
    {
        var tenant = await emulator.TenantAsync();
        await tenant.GrantAsync("AuditLog.Read.All");

        var refused = await tenant.FailAsync("/v1.0/users?$select=id,signInActivity");
        await tenant.SettingsAsync(new { premium = true });
        await tenant.GetAsync("/v1.0/users?$select=id,signInActivity");

        Assert.Equal((403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant"), refused);
    }

    [Fact]
    public async Task AppRoleAssignments_AfterConsent_ListTheGrants()
    {
        var tenant = await emulator.TenantAsync();
        await tenant.GrantAsync("Application.Read.All");

        var answer = await tenant.GetAsync(
            $"/v1.0/servicePrincipals(appId='{EmulatorFixture.ClientId}')/appRoleAssignments"
        );

        Assert.Equal(3, answer.Array("value").Count);
        Assert.Equal("df021288-bdef-4463-88db-98f22de89214", answer.Array("value")[0].Text("appRoleId"));
    }

    [Fact]
    public async Task Batch_InnerCalls_AreAnsweredAndThrottledOneByOne()
    {
        var tenant = await emulator.TenantAsync();
        await tenant.GrantAsync("MailboxSettings.Read");
        var users = new[] { await tenant.AddUserAsync(), await tenant.AddUserAsync() };
        await tenant.FaultAsync(
            new
            {
                tenant = tenant.Id,
                kind = "throttle",
                path = $"/v1.0/users/{users[1]}/*",
                retryAfter = 9,
            }
        );
        var requests = users.Select(id => new
        {
            id,
            method = "GET",
            url = $"/users/{id}/mailboxSettings/userPurpose",
        });

        using var answer = await tenant.SendAsync("/v1.0/$batch", HttpMethod.Post, new { requests });
        var responses = JsonElement.Parse(await answer.Content.ReadAsStringAsync()).Array("responses");

        var byId = responses.ToDictionary(response => response.Id());
        Assert.Equal("user", byId[users[0]].GetProperty("body").Text("value"));
        Assert.Equal(429, byId[users[1]].GetProperty("status").GetInt32());
        Assert.Equal("9", byId[users[1]].GetProperty("headers").Text("Retry-After"));
    }

    [Fact]
    public async Task Batch_TwentyOne_IsRefused()
    {
        var tenant = await emulator.TenantAsync();
        var requests = Enumerable
            .Range(0, 21)
            .Select(id => new
            {
                id = $"{id}",
                method = "GET",
                url = "/users",
            });

        using var answer = await tenant.SendAsync("/v1.0/$batch", HttpMethod.Post, new { requests });

        Assert.Equal(400, (int)answer.StatusCode);
    }
}
