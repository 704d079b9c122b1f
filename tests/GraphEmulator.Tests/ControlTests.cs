using System.Net;
using System.Net.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Rollcall.GraphEmulator.Model;

namespace Rollcall.GraphEmulator.Tests;

public sealed class ControlTests(EmulatorFixture emulator) : IClassFixture<EmulatorFixture>
{
    private static readonly string[] Kinds = ["deleted", "purged", "disabled", "renamed"];

    [Fact]
    public async Task Tenants_SameSeed_MakeTheSamePeople()
    {
        var (id, order) = (
            Guid.CreateVersion7(),
            new
            {
                users = 40,
                groups = 4,
                links = 90,
                leavers = 8,
                seed = 5,
            }
        );

        var first = await (
            await emulator.TenantAsync(
                new
                {
                    id,
                    order.users,
                    order.groups,
                    order.links,
                    order.leavers,
                    order.seed,
                }
            )
        ).TruthAsync();
        await emulator.SendAsync(HttpMethod.Delete, $"/_emulator/tenants/{id}");
        var second = await (
            await emulator.TenantAsync(
                new
                {
                    id,
                    order.users,
                    order.groups,
                    order.links,
                    order.leavers,
                    order.seed,
                }
            )
        ).TruthAsync();

        Assert.Equal(
            first.Array("edges").Select(edge => edge.GetRawText()),
            second.Array("edges").Select(edge => edge.GetRawText())
        );
        Assert.Equal(first.Array("users").Select(user => user.Id()), second.Array("users").Select(user => user.Id()));
    }

    [Fact]
    public async Task Tenants_Leavers_AreNamedWithTheirKind()
    {
        var created = await emulator.SendAsync(
            HttpMethod.Post,
            "/_emulator/tenants",
            new { users = 30, leavers = Kinds }
        );
        var truth = await emulator.SendAsync(HttpMethod.Get, $"/_emulator/tenants/{created.Id()}");
        var leavers = created.Array("leavers").ToDictionary(leaver => leaver.Text("kind")!, leaver => leaver.Id());

        var states = truth.Array("users").ToDictionary(user => user.Id(), user => user.Text("state"));
        Assert.Equal(["deleted", "purged", "active", "active"], Kinds.Select(kind => states[leavers[kind]]));
    }

    [Fact]
    public async Task Truth_UserWithManagerAndMailbox_ShowsThem()
    {
        var tenant = await emulator.TenantAsync();
        var manager = await tenant.AddUserAsync();

        await tenant.AddUserAsync(
            new
            {
                displayName = "Zoë 李",
                manager,
                mailboxPurpose = "shared",
                employeeId = "7",
            }
        );

        var user = (await tenant.TruthAsync()).Array("users")[1];
        Assert.Equal(
            ("Zoë 李", manager, "shared", "7"),
            (user.Text("displayName"), user.Text("managerId"), user.Text("mailboxPurpose"), user.Text("employeeId"))
        );
    }

    [Theory]
    [InlineData("PATCH", "users/{user}", HttpStatusCode.BadRequest)]
    [InlineData("DELETE", "users/nobody@nowhere.example", HttpStatusCode.NotFound)]
    [InlineData("PATCH", "settings", HttpStatusCode.BadRequest)]
    public async Task Call_ThatCannotBeDone_SaysWhy(string method, string path, HttpStatusCode expected)
    {
        var tenant = await emulator.TenantAsync();
        var user = await tenant.AddUserAsync();

        using var request = new HttpRequestMessage(
            new(method),
            $"/_emulator/tenants/{tenant.Id}/{path.Replace("{user}", user)}"
        );
        request.Content = JsonContent.Create(new { nonsense = 1 });
        using var answer = await emulator.Http.SendAsync(request);

        Assert.Equal(expected, answer.StatusCode);
        Assert.Contains("\"error\":", await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public void Demo_BothTenants_HoldWhatRealOnesDo()
    {
        var emulation = new Emulation(new());

        Setup.SeedDemo(emulation);

        foreach (var tenant in emulation.Tenants.Values)
        {
            var users = tenant.Users;
            Assert.InRange(users.Count, 25, 60);
            Assert.Contains(users, user => user.Text("userType") == "Guest");
            Assert.Contains(users, user => user.Text("employeeType") == "Contractor");
            Assert.Contains(users, user => !user.Is("accountEnabled") && user.MailboxPurpose == "user");
            Assert.Contains(
                users,
                user => user.Text("userPrincipalName")!.StartsWith("adm-", StringComparison.Ordinal)
            );
            Assert.Contains(
                users,
                user => user.Text("userPrincipalName")!.StartsWith("svc-", StringComparison.Ordinal)
            );
            Assert.Contains(users, user => user.Get("mail") is null);
            Assert.Superset(
                new HashSet<string?> { "user", "shared", "room", "equipment", null },
                users.Select(user => user.MailboxPurpose).ToHashSet()
            );
            Assert.Contains(tenant.Groups, group => JsonText.Raw(group.Get("groupTypes")!).Contains("Dynamic"));
        }
    }

    [Fact]
    public async Task StateFile_ReadAgain_HoldsTheSameTruthAndGoodTokens()
    {
        var tenant = await emulator.TenantAsync(
            new
            {
                users = 20,
                groups = 2,
                links = 30,
                leavers = 4,
                consented = true,
            }
        );
        await tenant.ControlAsync(HttpMethod.Post, "churn", new { changes = 20 });
        var model = emulator.Services.GetRequiredService<Emulation>().Tenants[tenant.Id];
        var (saved, loaded) = (new Emulation(new()), new Emulation(new()));
        saved.Tenants[tenant.Id] = model;
        var file = Path.GetTempFileName();

        StateFile.Write(saved, file);
        StateFile.Read(loaded, file);

        File.Delete(file);
        var copy = loaded.Tenants[tenant.Id];
        Assert.Equal(model.Users.Select(Describe), copy.Users.Select(Describe));
        Assert.Equal(model.Groups.Select(Describe), copy.Groups.Select(Describe));
        Assert.Equal((model.Generation, model.UserLog.End), (copy.Generation, copy.UserLog.Start));
        Assert.Equal(model.ServicePrincipals.Keys, copy.ServicePrincipals.Keys);
    }

    private static string Describe(DirectoryObject target) =>
        string.Join(
            '|',
            [
                target.Id,
                target.State,
                .. target.Values.Select(value => value is null ? "-" : JsonText.Raw(value)),
                (target as User)?.Manager?.Id,
                .. (target as Group)?.Edges.Select(edge => $"{edge.Member.Id}{edge.Live}") ?? [],
            ]
        );
}
