using System.Text;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Graph;
using Rollcall.DirectorySync.Health;
using Rollcall.DirectorySync.Sync;

namespace Rollcall.DirectorySync.Tests;

public sealed class DecisionTests
{
    [Theory]
    [InlineData(100, 10, 0, null)]
    [InlineData(100, 11, 0, "MASS_REMOVAL_RUN")]
    [InlineData(20, 5, 0, null)]
    [InlineData(20, 6, 0, "MASS_REMOVAL_RUN")]
    [InlineData(100, 10, 11, "MASS_REMOVAL_WEEK")]
    [InlineData(3, 3, 0, "EMPTY_DIRECTORY")]
    [InlineData(1, 1, 0, null)]
    [InlineData(100, 0, 90, null)]
    public void Brake_Reason(int active, int lost, int lostThisWeek, string? expected) =>
        Assert.Equal(expected, Brake.Reason(active, lost, lostThisWeek));

    [Fact]
    public void Users_NullAndAbsent_Differ()
    {
        var page = """
            {"value":[{"id":"6f0b1a52-0000-4000-8000-000000000001","department":null,"displayName":"Rae",
              "manager@delta":[{"@odata.type":"#microsoft.graph.user","id":"6f0b1a52-0000-4000-8000-000000000009"}]},
              {"id":"6f0b1a52-0000-4000-8000-000000000004","@removed":{"reason":"deleted"}}],
             "@odata.deltaLink":"https://graph.example/v1.0/users/delta()?$deltatoken=x"}
            """;

        var entries = GraphPage.Users(Encoding.UTF8.GetBytes(page)).ToList();

        Assert.True(entries[0].Patch.Has(EntraProperties.IndexOf("department")));
        Assert.Null(entries[0].Patch["department"]);
        Assert.False(entries[0].Patch.Has(EntraProperties.IndexOf("jobTitle")));
        Assert.Equal(Guid.Parse("6f0b1a52-0000-4000-8000-000000000009"), entries[0].Manager);
        Assert.Equal("deleted", entries[1].Removed);
    }

    [Fact]
    public void Groups_MembersAndTypes_AreRead()
    {
        var page = """
            {"value":[{"id":"c1d00000-0000-4000-8000-000000000010","displayName":"All Staff","groupTypes":["DynamicMembership"],
              "members@delta":[{"@odata.type":"#microsoft.graph.group","id":"c1d00000-0000-4000-8000-000000000011"},
               {"@odata.type":"#microsoft.graph.user","id":"6f0b1a52-0000-4000-8000-000000000002","@removed":{"reason":"deleted"}}]}]}
            """;

        var group = Assert.Single(GraphPage.Groups(Encoding.UTF8.GetBytes(page)));

        Assert.True(group.Dynamic);
        Assert.Equal((MemberType.Group, false), (group.Members[0].Type, group.Members[0].Removed));
        Assert.Equal((MemberType.User, true), (group.Members[1].Type, group.Members[1].Removed));
    }

    [Theory]
    [InlineData("""{"value":[{"id":"x"}],"@odata.deltaLink":"l"}""")]
    [InlineData("""{"value":[{"displayName":"nobody"}],"@odata.deltaLink":"l"}""")]
    public void Users_EntryWithoutUsableId_IsMalformed(string page) =>
        Assert.Equal(
            "MALFORMED_PAGE",
            Assert.Throws<GraphException>(() => GraphPage.Users(Encoding.UTF8.GetBytes(page))).Code
        );

    [Theory]
    [InlineData("""{"value":[{"id":"6f0b""")]
    [InlineData("<html>Bad gateway</html>")]
    [InlineData("""{"value":[]}""")]
    [InlineData("""{"value":[],"@odata.nextLink":"a","@odata.deltaLink":"b"}""")]
    public void Links_TruncatedOrLinkless_IsMalformed(string page) =>
        Assert.Equal(
            "MALFORMED_PAGE",
            Assert.Throws<GraphException>(() => GraphPage.Links(Encoding.UTF8.GetBytes(page))).Code
        );

    [Theory]
    [InlineData("userType", "Guest", AccountKind.Guest)]
    [InlineData("userPrincipalName", "svc-backup@x.example", AccountKind.Service)]
    [InlineData("userPrincipalName", "adm-rae@x.example", AccountKind.Admin)]
    [InlineData("employeeType", "Contractor", AccountKind.Contractor)]
    [InlineData("jobTitle", "Clerk", AccountKind.Person)]
    public void Suggest_Kind(string property, string value, AccountKind expected)
    {
        var user = new PropertySet();
        user.Set(EntraProperties.IndexOf(property), value);

        Assert.Equal(expected, AccountKinds.Suggest(user).Kind);
    }

    [Fact]
    public void AfterFailure_Transient_BecomesQuarantineButNeverStops()
    {
        var error = new GraphException(GraphFailure.Transient, "503", "down");

        Assert.Equal(HealthState.Failing, HealthRules.AfterFailure(error, failures: 1).View.State);
        var (view, delay) = HealthRules.AfterFailure(error, failures: 1000);
        Assert.Equal(HealthState.Quarantined, view.State);
        Assert.Equal(TimeSpan.FromHours(1), delay);
    }

    [Fact]
    public void AfterFailure_EveryFailure_NamesOwnerAndRemedyOrRetries()
    {
        foreach (var failure in Enum.GetValues<GraphFailure>().Where(f => f != GraphFailure.ResyncRequired))
        {
            var (view, delay) = HealthRules.AfterFailure(new(failure, "code", "text"), failures: 1);

            Assert.NotEqual(HealthState.Healthy, view.State);
            Assert.NotEmpty(view.Remedy);
            Assert.True(delay > TimeSpan.Zero);
        }
    }

    [Fact]
    public void AfterFailure_Throttled_WaitsAsAskedAndTellsWhenItLasts()
    {
        var error = new GraphException(GraphFailure.Throttled, "TooManyRequests", "429")
        {
            RetryAfter = TimeSpan.FromSeconds(7),
        };

        Assert.False(HealthRules.IsNews(error.Failure, failures: 2));
        Assert.True(HealthRules.IsNews(error.Failure, failures: 3));
        var (view, delay) = HealthRules.AfterFailure(error, failures: 50);
        Assert.Equal((HealthState.Degraded, FixOwner.Nobody), (view.State, view.Owner));
        Assert.Equal(TimeSpan.FromSeconds(7), delay);
        Assert.Equal((HealthState.Late, FixOwner.Nobody), (HealthRules.AsLate(view).State, view.Owner));
    }

    [Fact]
    public void AfterFailure_AnyFailureForEver_IsTriedAgainWithinSixHours()
    {
        foreach (var failure in Enum.GetValues<GraphFailure>())
        {
            var error = new GraphException(failure, "code", "text");
            Assert.InRange(
                HealthRules.AfterFailure(error, failures: 10_000).Delay,
                TimeSpan.Zero,
                TimeSpan.FromHours(6)
            );
        }
    }
}
