using CsCheck;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Sync;
using Rollcall.GraphEmulator.Model;
using Rollcall.GraphEmulator.Seeding;
using Rollcall.Testing;

namespace Rollcall.DirectorySync.Tests;

public sealed class NestingTests(DirectoryFixture service)
{
    /// <summary>In a circle each is in each: 330 × 329 memberships of groups alone, more than a small client may inherit.</summary>
    private const int Circle = 330;

    [Fact]
    public void Hold_AnyNesting_KeepsWhatCountedAndTheLimit() =>
        Gen.Select(
                Gen.Select(Gen.Int[0, 14], Gen.Int[0, 14], Gen.Bool).Array[0, 60],
                Gen.Int[0, 9].Array[15],
                Gen.Int[1, 400]
            )
            .Sample(
                (edges, people, most) =>
                {
                    var nestings = edges.Where(e => e.Item1 != e.Item2).DistinctBy(e => (e.Item1, e.Item2));
                    List<Nesting> all = [.. nestings.Select(e => new Nesting(Id(e.Item1), Id(e.Item2), e.Item3))];
                    var members = people.Index().ToDictionary(p => Id(p.Index), p => p.Item);
                    var limit = new NestingLimit(all, members);

                    var held = limit.Hold(most);

                    Assert.Equal(Inherited(all, members) > most, limit.Exceeds(most));
                    Assert.DoesNotContain(all.Where((_, i) => held[i]), n => !n.IsNew);
                    Assert.True(limit.Exceeds(most) || !held.Contains(value: true));
                    var followed = all.Where((_, i) => !held[i]).ToList();
                    Assert.True(Inherited(followed, members) <= most || followed.TrueForAll(n => !n.IsNew));
                },
                iter: 2000
            );

    [Fact]
    public void Hold_TangleBesideATree_LeavesTheTreeAlone()
    {
        List<Nesting> tree = [new(Id(1), Id(0), true), new(Id(2), Id(1), true), new(Id(3), Id(1), true)];
        var tangle = Enumerable
            .Range(0, 20_000)
            .Select(i => new Nesting(Id(10 + (i % 1000)), Id(10 + (((i * 7919) + (i / 1000 * 37)) % 1000)), true));
        List<Nesting> all = [.. tree, .. tangle.Where(n => n.Member != n.Group).Distinct()];
        var limit = new NestingLimit(all, new Dictionary<Guid, int>());

        var held = limit.Hold(100_000);

        Assert.Equal(all.Select((_, i) => i >= tree.Count), held);
    }

    [Fact]
    public async Task Sync_GroupsNestedInACircle_AreNotFollowedAndNobodyLosesAGroup()
    {
        var client = await service.ConnectedAsync();
        var ada = await client.AddPersonAsync("ada");
        var (inner, outer) = (await client.AddGroupAsync("inner", ada), await client.AddGroupAsync("outer"));
        await client.GraphAsync(HttpMethod.Post, $"groups/{outer}/members", new[] { inner });
        await client.SyncedAsync();
        Assert.Equal(new[] { inner, outer }.Order(), await GroupsAsync(client, ada));

        var bob = await client.AddPersonAsync("bob");
        var circle = AddCircle(client, inner, bob);
        await client.SyncedAsync();

        Assert.Equal(new[] { inner, outer }.Order(), await GroupsAsync(client, ada));
        Assert.Equal([circle[5]], await GroupsAsync(client, bob));
        var health = await client.HealthAsync();
        Assert.Equal(
            (HealthState.Degraded, "NESTING_LIMIT", FixOwner.Client),
            (health.State, health.ErrorCode, health.Owner)
        );
        Assert.Contains("331 groups", health.Problem, StringComparison.Ordinal);
        Assert.Equal(Circle + 1, await EscrowedAsync(client));
        Assert.Equal(
            Circle + 4,
            await client.DbAsync(db => db.Memberships.CountAsync(m => m.ClientId == Guid.Parse(client.Id)))
        );

        Remove(client, circle[1], circle[0]);
        await client.SyncedAsync();

        // A chain now: long, but few in all.
        Assert.Equal([.. new[] { inner, outer, circle[0] }.Order()], await GroupsAsync(client, ada));
        Assert.Equal([.. circle[5..].Append(circle[0]).Order()], await GroupsAsync(client, bob));
        Assert.Equal(HealthState.Healthy, (await client.HealthAsync()).State);
        Assert.Equal(0, await EscrowedAsync(client));
    }

    [Fact]
    public async Task Sync_GroupDeletedBeforeTheFirstReadAndRestored_IsWhereItBelongsAfterADelta()
    {
        var client = await service.ClientAsync();
        await client.CreateDirectoryAsync();
        var ada = await client.AddPersonAsync("ada");
        var created = await client.GraphAsync(
            HttpMethod.Post,
            "groups",
            new
            {
                displayName = "inner",
                kind = "microsoft365",
                members = new[] { ada },
            }
        );
        var inner = created.GetProperty("id").GetGuid();
        var outer = await client.AddGroupAsync("outer", inner);
        await client.GraphAsync(HttpMethod.Delete, $"groups/{inner}");
        await client.CompleteConsentAsync(await client.BeginConsentAsync(), client.Directory.ToString());
        await client.HealthyAsync();
        Assert.Empty(await GroupsAsync(client, ada));

        await client.GraphAsync(HttpMethod.Post, $"groups/{inner}/restore");
        var run = await client.SyncedAsync();

        Assert.Equal(SyncMode.Delta, run.Mode);
        Assert.Equal(new[] { inner, outer }.Order(), await GroupsAsync(client, ada));
    }

    /// <summary>Who is in a group by two ways is told of only when the first comes or the last goes.</summary>
    [Fact]
    public async Task Sync_MemberByASecondWay_IsNotToldAgain()
    {
        var client = await service.ConnectedAsync();
        var (ada, bob) = (await client.AddPersonAsync("ada"), await client.AddPersonAsync("bob"));
        var (inner, outer) = (await client.AddGroupAsync("Inner", ada, bob), await client.AddGroupAsync("Outer", ada));
        await client.SyncedAsync();
        var (first, other) = (await client.UserAsync(ada), await client.UserAsync(bob));
        Assert.Equal((2, 1), (first.GroupIds.Count, other.GroupIds.Count));

        await client.GraphAsync(HttpMethod.Put, $"groups/{outer}/members/{inner}");
        await client.SyncedAsync();
        Assert.Equal(first, await client.UserAsync(ada));
        Assert.Equal(2, (await client.UserAsync(bob)).GroupIds.Count);

        await client.GraphAsync(HttpMethod.Patch, $"users/{ada}", new { jobTitle = "Chair" });
        await client.SyncedAsync();
        await Eventually.HoldsAsync(() =>
            Assert.Contains(
                client.Published[^1].Users,
                u => u.Id == first.Id && u.GroupIds.SequenceEqual(first.GroupIds)
            )
        );
        first = await client.UserAsync(ada);

        await client.GraphAsync(HttpMethod.Delete, $"groups/{outer}/members/{ada}");
        await client.SyncedAsync();
        Assert.Equal(first, await client.UserAsync(ada));

        await client.GraphAsync(HttpMethod.Delete, $"groups/{outer}/members/{inner}");
        await client.SyncedAsync();
        Assert.Single((await client.UserAsync(ada)).GroupIds);
        Assert.Equal(other.GroupIds, (await client.UserAsync(bob)).GroupIds);
    }

    /// <summary>As the API shows them and as the last event told them, which must be the same.</summary>
    private static async Task<List<Guid>> GroupsAsync(TestClient client, Guid person)
    {
        var user = await client.UserAsync(person);
        await Eventually.HoldsAsync(() =>
        {
            var told = client.Published.SelectMany(e => e.Users).Where(u => u.Id == user.Id).MaxBy(u => u.Revision);
            Assert.Equal(user.GroupIds, told?.GroupIds);
        });
        var groups = await client.DbAsync(db =>
            db.Groups.Where(g => g.ClientId == Guid.Parse(client.Id)).ToListAsync()
        );
        return [.. user.GroupIds.Select(id => groups.Single(g => g.GroupId == Guid.Parse(id)).ObjectId).Order()];
    }

    private static async Task<int> EscrowedAsync(TestClient client)
    {
        var count = 0;
        var request = new ListEscrowedRequest { ClientId = client.Id, PageSize = 100 };
        do
        {
            var page = await client.Syncs.ListEscrowedAsync(request);
            Assert.All(page.Objects, o => Assert.Equal(("NESTING_LIMIT", null), (o.ReasonCode, o.NextRetryTime)));
            count += page.Objects.Count;
            request.PageToken = page.NextPageToken;
        } while (request.PageToken.Length > 0);

        return count;
    }

    /// <summary>Each a member of the next, and the last of the first; the group is in the first, the person in the sixth.</summary>
    private List<Guid> AddCircle(TestClient client, Guid below, Guid person)
    {
        var tenant = Tenant(client);
        lock (tenant.Gate)
        {
            List<Rollcall.GraphEmulator.Model.Group> circle =
            [
                .. Enumerable
                    .Range(0, Circle)
                    .Select(i => tenant.CreateGroup(Guid.CreateVersion7(), Accounts.Security($"Circle {i}"))),
            ];
            for (var i = 0; i < Circle; i++)
            {
                tenant.AddMember(circle[(i + 1) % Circle], circle[i]);
            }

            tenant.AddMember(circle[0], tenant.Groups.Single(g => g.Id == below));
            tenant.AddMember(circle[5], tenant.Users.Single(u => u.Id == person));
            return circle.ConvertAll(g => g.Id);
        }
    }

    private void Remove(TestClient client, Guid group, Guid member)
    {
        var tenant = Tenant(client);
        lock (tenant.Gate)
        {
            tenant.RemoveMember(tenant.Groups.Single(g => g.Id == group), tenant.Groups.Single(g => g.Id == member));
        }
    }

    private Tenant Tenant(TestClient client) =>
        service.Graph.Services.GetRequiredService<Emulation>().Tenants[client.Directory];

    private static Guid Id(int number) => new(number + 1, 0, 0, [0, 0, 0, 0, 0, 0, 0, 1]);

    /// <summary>Counted the slow way.</summary>
    private static long Inherited(List<Nesting> nestings, Dictionary<Guid, int> people)
    {
        var above = nestings.ToLookup(n => n.Member, n => n.Group);
        return nestings
            .SelectMany(n => new[] { n.Member, n.Group })
            .Distinct()
            .Sum(g =>
            {
                HashSet<Guid> found = [g];
                Queue<Guid> next = new([g]);
                while (next.TryDequeue(out var at))
                {
                    foreach (var parent in above[at].Where(found.Add))
                    {
                        next.Enqueue(parent);
                    }
                }

                return (people.GetValueOrDefault(g) + 1L) * (found.Count - 1);
            });
    }
}
