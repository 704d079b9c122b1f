using System.Net;

namespace Rollcall.GraphEmulator.Tests;

public sealed class ConsentTests(EmulatorFixture emulator) : IClassFixture<EmulatorFixture>
{
    private const string Common = $"client_id={EmulatorFixture.ClientId}&redirect_uri=https://app.example/cb&state=s1";
    private const string Scope = "scope=https://graph.microsoft.com/.default";

    [Theory]
    [InlineData(
        "organizations/v2.0/adminconsent",
        "&scope=https%3A%2F%2Fgraph.microsoft.com%2FUser.Read.All%20https%3A%2F%2Fgraph.microsoft.com%2FGroupMember.Read.All"
    )]
    [InlineData("organizations/adminconsent", "")]
    public async Task Approve_RedirectsWithTheTenantAndGrants(string path, string scope)
    {
        var tenant = await emulator.TenantAsync(new { consented = false });

        using var answer = await emulator.Http.GetAsync(
            $"/{path}?{Common}&{Scope}&emulator_tenant={tenant.Id}&emulator_decision=approve"
        );

        Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode);
        Assert.Equal(
            $"https://app.example/cb?admin_consent=True&tenant={tenant.Id}&state=s1{scope}",
            answer.Headers.Location!.OriginalString
        );
        await tenant.GetAsync("/v1.0/users");
    }

    [Theory]
    [InlineData(
        "organizations/v2.0/adminconsent",
        "admin_consent=True&error=consent_required&error_description=AADSTS65004"
    )]
    [InlineData("organizations/adminconsent", "error=permission_denied&error_description=The")]
    public async Task Decline_RedirectsWithTheErrorAndGrantsNothing(string path, string expected)
    {
        var tenant = await emulator.TenantAsync(new { consented = false });

        using var answer = await emulator.Http.GetAsync(
            $"/{path}?{Common}&emulator_tenant={tenant.Id}&emulator_decision=decline"
        );
        using var signIn = await emulator.SignInAsync(tenant.Id.ToString());

        Assert.StartsWith($"https://app.example/cb?{expected}", answer.Headers.Location!.OriginalString);
        Assert.EndsWith("&state=s1", answer.Headers.Location!.OriginalString);
        Assert.Contains("AADSTS700016", await signIn.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Approve_NamedPermission_IsGrantedToo()
    {
        var tenant = await emulator.TenantAsync(new { consented = false });
        var user = await tenant.AddUserAsync();

        using var answer = await emulator.Http.GetAsync(
            $"/{tenant.Id}/v2.0/adminconsent?{Common}&{Scope}%20https://graph.microsoft.com/MailboxSettings.Read&emulator_decision=approve"
        );

        Assert.Equal("user", (await tenant.GetAsync($"/v1.0/users/{user}/mailboxSettings/userPurpose")).Text("value"));
    }

    [Fact]
    public async Task Approve_SetToMisdirect_NamesAnotherTenant()
    {
        var (tenant, victim) = (await emulator.TenantAsync(new { }), Guid.CreateVersion7());
        await tenant.SettingsAsync(new { consentRedirectTenant = victim });

        using var answer = await emulator.Http.GetAsync(
            $"/{tenant.Id}/v2.0/adminconsent?{Common}&emulator_decision=approve"
        );

        Assert.Contains($"tenant={victim}", answer.Headers.Location!.OriginalString);
    }

    [Fact]
    public async Task NoDecision_ShowsAPageThatCarriesTheRequest()
    {
        var tenant = await emulator.TenantAsync(new { name = "Litware & Sons" });

        var page = await emulator.Http.GetStringAsync($"/{tenant.Id}/v2.0/adminconsent?{Common}&{Scope}");

        Assert.Contains("Litware &amp; Sons", page);
        Assert.Contains("<li>User.Read.All</li>", page);
        Assert.Contains("name=\"state\" value=\"s1\"", page);
    }
}
