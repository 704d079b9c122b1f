using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Connections;
using Rollcall.DirectorySync.Graph;
using Rollcall.Testing;

namespace Rollcall.DirectorySync.Tests;

/// <summary>Clients whose people are imported by what they are, not by groups.</summary>
public sealed class ImportRuleTests(DirectoryFixture service)
{
    [Theory]
    [InlineData(ImportOperator.In, "finance", true)]
    [InlineData(ImportOperator.In, "fin", false)]
    [InlineData(ImportOperator.NotIn, "FINANCE", false)]
    [InlineData(ImportOperator.NotIn, "Sales", true)]
    [InlineData(ImportOperator.StartsWith, "FIN", true)]
    [InlineData(ImportOperator.StartsWith, "nance", false)]
    [InlineData(ImportOperator.Contains, "NAN", true)]
    [InlineData(ImportOperator.Contains, "sale", false)]
    public void Covers_Operator_IgnoresCase(ImportOperator how, string value, bool expected)
    {
        var person = Person(("department", " Finance "));

        Assert.Equal(expected, new ImportRule([new("department", how, ["x", value])]).Covers(person));
        Assert.Equal(how == ImportOperator.NotIn, new ImportRule([new("jobTitle", how, [value])]).Covers(person));
    }

    [Fact]
    public void Covers_ExtensionAttribute_IsFoundInItsMap()
    {
        var person = Person(
            ("onPremisesExtensionAttributes", """{"extensionAttribute1":null,"extensionAttribute2":"HQ"}""")
        );

        Assert.True(new ImportRule([new("extensionAttribute2", ImportOperator.In, ["hq"])]).Covers(person));
        Assert.False(new ImportRule([new("extensionAttribute1", ImportOperator.In, ["hq"])]).Covers(person));
        Assert.False(new ImportRule([new("extensionAttribute3", ImportOperator.In, ["hq"])]).Covers(person));
    }

    [Fact]
    public async Task Sync_PeopleMoveInAndOut_TheRosterFollows()
    {
        var client = await service.ConnectedAsync(new { settings = new { propertyMode = "minimal" } });
        var staying = await client.AddPersonAsync("ada", new { department = "Finance" });
        var leaving = await client.AddPersonAsync("bob", new { department = "Finance", jobTitle = "Clerk" });
        var coming = await client.AddPersonAsync("cyd", new { department = "IT", jobTitle = "Nurse" });
        var boss = await client.AddPersonAsync("dan", new { department = "IT", jobTitle = "Boss" });
        await client.SyncedAsync();

        var answer = await UpdateAsync(client, Finance);
        await client.SyncedAsync();

        Assert.Equal((2L, 2L, ""), (answer.PeopleGoingOut, answer.PeopleImported, answer.BrakeReason));
        Assert.Equal([staying, leaving], await LivingAsync(client));

        // Of the first two the entry tells a part of what the conditions look at; only one of them is no boss.
        await client.GraphAsync(HttpMethod.Patch, $"users/{coming}", new { department = "finance" });
        await client.GraphAsync(HttpMethod.Patch, $"users/{boss}", new { department = "finance" });
        await client.GraphAsync(HttpMethod.Patch, $"users/{leaving}", new { jobTitle = "Boss" });
        await client.SyncedAsync();

        Assert.Equal([staying, coming], await LivingAsync(client));
        Assert.Equal("cyd", (await client.UserAsync(coming)).DisplayName);
        var left = await client.UserAsync(leaving);
        Assert.Equal((UserState.Removed, true), (left.State, left.OutsideImportScope));
    }

    [Fact]
    public async Task DryRun_SomebodyMovesOut_ShowsItAndChangesNothing()
    {
        var client = await service.ConnectedAsync();
        var ada = await client.AddPersonAsync("ada", new { department = "Finance" });
        var bob = await client.AddPersonAsync("bob", new { department = "Finance" });
        await client.SyncedAsync();
        await UpdateAsync(client, Finance);
        await client.SyncedAsync();
        await client.GraphAsync(HttpMethod.Patch, $"users/{bob}", new { department = "IT" });

        var run = await client.SyncAsync(SyncMode.DryRun);

        Assert.Equal((SyncRunState.Succeeded, 1), (run.State, run.Removed));
        Assert.Equal([ada, bob], await LivingAsync(client));
        Assert.Equal(2, await client.DbAsync(db => db.ImportMatches.CountAsync()));
    }

    [Fact]
    public async Task SyncPerson_MovedOut_LeavesAtOnce()
    {
        var client = await service.ConnectedAsync();
        var ada = await client.AddPersonAsync("ada", new { department = "Finance" });
        var bob = await client.AddPersonAsync("bob", new { department = "Finance" });
        await client.SyncedAsync();
        await UpdateAsync(client, Finance);
        await client.SyncedAsync();
        await client.GraphAsync(HttpMethod.Patch, $"users/{bob}", new { department = "IT" });

        await client.Syncs.StartSyncAsync(new() { ClientId = client.Id, Person = $"{bob}" });

        await Eventually.HoldsAsync(async () => Assert.Equal([ada], await LivingAsync(client)));
    }

    [Theory]
    [InlineData("shoeSize", ImportOperator.In, "42")]
    [InlineData("department", ImportOperator.Unspecified, "Finance")]
    [InlineData("department", ImportOperator.In, "")]
    public async Task Update_ConditionThatIsNone_IsRefused(string property, ImportOperator how, string value)
    {
        var client = await service.ConnectedAsync();

        var error = await Assert.ThrowsAsync<RpcException>(() => UpdateAsync(client, Condition(property, how, value)));

        Assert.Equal("FIELD_INVALID", TestClient.ReasonOf(error));
    }

    private static ImportCondition[] Finance =>
        [
            .. Condition("department", ImportOperator.In, "Finance"),
            .. Condition("jobTitle", ImportOperator.NotIn, "Boss"),
        ];

    private static ImportCondition[] Condition(string property, ImportOperator how, string value) =>
        [
            new()
            {
                Property = property,
                Operator = how,
                Values = { value },
            },
        ];

    private static async Task<UpdateImportScopeResponse> UpdateAsync(TestClient client, ImportCondition[] conditions) =>
        await client.Connections.UpdateImportScopeAsync(
            new()
            {
                ClientId = client.Id,
                Scope = new() { People = ImportedPeople.Matching, Conditions = { conditions } },
            }
        );

    /// <summary>In the order they were added.</summary>
    private static async Task<List<Guid>> LivingAsync(TestClient client) =>
        [
            .. (await client.UsersAsync())
                .Where(u => u.State == UserState.Active)
                .OrderBy(u => u.DisplayName, StringComparer.Ordinal)
                .Select(u => Guid.Parse(u.ExternalId)),
        ];

    private static PropertySet Person(params (string Name, string Value)[] values)
    {
        var person = new PropertySet();
        foreach (var (name, value) in values)
        {
            person.Set(EntraProperties.IndexOf(name), value);
        }

        return person;
    }
}
