using System.Net;
using Rollcall.Api.Directory.V1;

namespace Rollcall.Edge.Tests;

public sealed class ConsentCallbackTests(EdgeFixture fixture)
{
    private readonly string state = Guid.CreateVersion7().ToString();

    [Fact]
    public async Task Callback_Connected_ThanksAndHandsEverythingOn()
    {
        fixture.Backend.Consents[state] = new()
        {
            ClientId = "0198c000-0000-7000-8000-000000000001",
            ClientDisplayName = "Fabrikam & <Sons>",
            Connected = true,
        };

        var (code, page) = await OpenAsync(
            $"admin_consent=True&tenant=11111111-2222-3333-4444-555555555555&state={state}&scope=User.Read.All"
        );

        Assert.Equal(HttpStatusCode.OK, code);
        Assert.Contains("Fabrikam &amp; &lt;Sons&gt; is connected", page);
        Assert.DoesNotContain("11111111", page);
        Assert.DoesNotContain("0198c000", page);
        Assert.Equal(
            new CompleteConsentRequest
            {
                State = state,
                TenantId = "11111111-2222-3333-4444-555555555555",
                GrantedScope = "User.Read.All",
            },
            fixture.Backend.ConsentRequests.Single(r => r.State == state)
        );
    }

    [Fact]
    public async Task Callback_Declined_SaysNothingWasRead()
    {
        fixture.Backend.Consents[state] = new() { ClientDisplayName = "Fabrikam", Problem = "declined" };

        var (code, page) = await OpenAsync($"error=access_denied&error_description=No%21&state={state}");

        Assert.Equal(HttpStatusCode.OK, code);
        Assert.Contains("The request was declined", page);
        Assert.DoesNotContain("No!", page);
    }

    [Fact]
    public async Task Callback_Failed_NamesProblemAndRemedyEncoded()
    {
        fixture.Backend.Consents[state] = new()
        {
            ClientDisplayName = "Fabrikam",
            Problem = "The account is <no> administrator.",
            Remedy = "Sign in as one.",
        };

        var (code, page) = await OpenAsync($"error=server_error&state={state}");

        Assert.Equal(HttpStatusCode.OK, code);
        Assert.Contains("Fabrikam is not connected yet", page);
        Assert.Contains("The account is &lt;no&gt; administrator.", page);
        Assert.Contains("Sign in as one.", page);
    }

    [Theory]
    [InlineData("")]
    [InlineData("state=")]
    [InlineData("state=unknown&tenant=x")]
    [InlineData("state=a&state=b")]
    public async Task Callback_StateMissingOrUnknown_AsksForANewLink(string query)
    {
        var (code, page) = await OpenAsync(query);

        Assert.Equal(HttpStatusCode.BadRequest, code);
        Assert.Contains("This link can&#x27;t be used", page);
    }

    [Fact]
    public async Task Callback_DirectorySyncAway_SaysTryAgain()
    {
        await using var edge = fixture.Start(
            ("services:directory-sync:grpc:0", $"http://127.0.0.1:{EdgeFixture.FreePort()}")
        );

        var (code, page) = await OpenAsync($"state={state}", edge);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, code);
        Assert.Contains("We couldn&#x27;t finish just now", page);
    }

    private async Task<(HttpStatusCode Code, string Page)> OpenAsync(string query, EdgeServer? edge = null)
    {
        using var answer = await (edge ?? fixture.Edge).Http.GetAsync(
            new Uri($"/consent/callback?{query}", UriKind.Relative)
        );

        Assert.StartsWith("default-src 'none'", answer.Headers.GetValues("Content-Security-Policy").Single());
        Assert.Equal("no-referrer", answer.Headers.GetValues("Referrer-Policy").Single());
        Assert.True(answer.Headers.CacheControl!.NoStore);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }
}
