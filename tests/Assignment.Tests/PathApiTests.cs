using Rollcall.Api.Assignment.V1;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Scope.V1;
using Rollcall.Testing;
using static Rollcall.Assignment.Tests.TestTenant;
using Path = Rollcall.Api.Assignment.V1.Path;

namespace Rollcall.Assignment.Tests;

public sealed class PathApiTests(AssignmentFixture fixture)
{
    [Fact]
    public async Task SetPath_AnotherCourse_PlansEverybodyInTheClientAnew()
    {
        var tenant = await fixture.NewTenantAsync(courses: ["phishing"]);
        var users = Enumerable.Range(0, 510).Select(_ => Guid.CreateVersion7()).ToList();
        await tenant.ReceiveAsync(users.Take(500).Select(u => Decide(u, 1, Verdict.InScope, "baseline")));
        await tenant.ReceiveAsync(users.Skip(500).Select(u => Decide(u, 1, Verdict.InScope, "baseline")));

        await tenant.SetPathAsync("baseline", await tenant.CreateCoursesAsync("fraud"));
        await tenant.PlannedAsync();

        var rows = await tenant.RowsAsync();
        Assert.Equal(
            [("fraud", AssignmentState.Open, 510), ("phishing", AssignmentState.Withdrawn, 510)],
            rows.GroupBy(r => (r.CourseTitle, r.State)).Select(g => (g.Key.CourseTitle, g.Key.State, g.Count())).Order()
        );
    }

    [Fact]
    public async Task SetPath_WhileDecisionsArrive_NobodyIsLeftOnTheOldPath()
    {
        var tenant = await fixture.NewTenantAsync(courses: ["phishing"]);
        var fraud = await tenant.CreateCoursesAsync("fraud");
        var ids = Enumerable.Range(0, 20).Select(_ => Guid.CreateVersion7()).ToArray();
        var joiners = ids.Select(id =>
            fixture.PublishAsync(
                tenant.Event(
                    Enumerable.Range(0, 25).Select(_ => Decide(Guid.CreateVersion7(), 1, Verdict.InScope, "baseline"))
                ),
                id
            )
        );

        await Task.WhenAll([.. joiners, tenant.SetPathAsync("baseline", fraud)]);
        await tenant.HandledAsync(ids);
        await tenant.PlannedAsync();

        var open = (await tenant.RowsAsync()).Where(r => r.IsActive).ToList();
        Assert.Equal((500, 500), (open.Count, open.Count(r => r.CourseTitle == "fraud")));
    }

    [Fact]
    public async Task SetPath_WrongCourseEtagOrField_IsRefusedByReason()
    {
        var tenant = await fixture.NewTenantAsync(courses: ["phishing"]);
        var path = (await tenant.Paths.GetPathAsync(new() { ClientId = tenant.ClientId, Audience = "baseline" })).Path;
        await tenant.SetPathAsync("baseline", path.CourseIds, dueDays: 10);

        await RefusedAsync(p => p.CourseIds.Add(Guid.CreateVersion7().ToString()), "COURSE_NOT_FOUND");
        await RefusedAsync(_ => { }, "ETAG_MISMATCH");
        await RefusedAsync(p => p.DueDays = 0, "FIELD_INVALID");
        await RefusedAsync(p => p.Recurrence = default, "FIELD_INVALID");
        await RefusedAsync(p => p.Audience = "Big Bosses", "FIELD_INVALID");
        await RefusedAsync(p => p.CourseIds.Add(p.CourseIds[0]), "FIELD_INVALID");
        await Refused.WithAsync(
            "PATH_NOT_FOUND",
            () => tenant.Paths.GetPathAsync(new() { ClientId = tenant.ClientId, Audience = "nobody" })
        );

        Task RefusedAsync(Action<Path> change, string reason)
        {
            var wrong = path.Clone();
            change(wrong);
            return Refused.WithAsync(
                reason,
                () => tenant.Paths.SetPathAsync(new() { ClientId = tenant.ClientId, Path = wrong })
            );
        }
    }

    [Fact]
    public async Task SetPath_Repeated_LeavesThePathAsItIs()
    {
        var tenant = await fixture.NewTenantAsync(courses: ["phishing"]);
        var path = await tenant.SetPathAsync("managers", [], dueDays: 10);

        Assert.Equal(path, await tenant.SetPathAsync("managers", [], dueDays: 10));
    }

    [Fact]
    public async Task ApplyDefaultPaths_ByTwoClientsAtOnceAndAgain_GivesSixPathsAndOneSetOfCourses()
    {
        var msp = Guid.CreateVersion7();
        var tenants = new[] { fixture.Clients.Add(msp), fixture.Clients.Add(msp) }
            .Select(c => new TestTenant(fixture, c))
            .ToList();

        var answers = await Task.WhenAll(tenants.SelectMany(t => new[] { ApplyAsync(t), ApplyAsync(t) }));
        var again = await ApplyAsync(tenants[0]);

        Assert.Equal(
            ["baseline", "managers", "finance", "executives", "admins", "contractors"],
            again.Paths.Select(p => p.Audience)
        );
        Assert.All(answers.SelectMany(a => a.Paths), p => Assert.NotEmpty(p.CourseIds));
        Assert.Contains(again, answers);
        var courses = (await tenants[1].Catalog.ListCoursesAsync(new())).Courses;
        Assert.Equal((8, 8), (courses.Count, courses.DistinctBy(c => c.TemplateKey).Count()));
    }

    [Fact]
    public async Task ApplyDefaultPaths_ClientWithItsOwnPath_KeepsIt()
    {
        var tenant = await fixture.NewTenantAsync(courses: ["phishing"]);
        var own = (await tenant.Paths.GetPathAsync(new() { ClientId = tenant.ClientId, Audience = "baseline" })).Path;

        var answer = await ApplyAsync(tenant);

        Assert.Equal(own, answer.Paths[0]);
    }

    [Fact]
    public async Task ListPaths_PageByPage_GivesEachOnce()
    {
        var tenant = await fixture.NewTenantAsync(courses: ["phishing"]);
        await ApplyAsync(tenant);
        var request = new ListPathsRequest { ClientId = tenant.ClientId, PageSize = 4 };

        var first = await tenant.Paths.ListPathsAsync(request);
        request.PageToken = first.NextPageToken;
        var second = await tenant.Paths.ListPathsAsync(request);

        Assert.Equal(
            ["admins", "baseline", "contractors", "executives", "finance", "managers"],
            first.Paths.Concat(second.Paths).Select(p => p.Audience)
        );
        Assert.Equal("", second.NextPageToken);
    }

    [Fact]
    public async Task UpdateCourse_NewTitle_ReachesOpenAssignmentsOfEveryClient()
    {
        var tenant = await fixture.NewTenantAsync(courses: ["phishing"]);
        var sibling = new TestTenant(fixture, fixture.Clients.Add(tenant.MspId));
        var course = Assert.Single((await tenant.Catalog.ListCoursesAsync(new())).Courses);
        await sibling.SetPathAsync("baseline", [course.Id]);
        await tenant.ReceiveAsync(Decide(Guid.CreateVersion7(), 1, Verdict.InScope, "baseline"));
        await sibling.ReceiveAsync(Decide(Guid.CreateVersion7(), 1, Verdict.InScope, "baseline"));

        course.Title = "Phishing 2";
        await tenant.Catalog.UpdateCourseAsync(
            new()
            {
                Course = course,
                UpdateMask = new() { Paths = { "title" } },
            }
        );
        await tenant.PlannedAsync();
        await sibling.PlannedAsync();

        Assert.Equal("Phishing 2", Assert.Single(await tenant.RowsAsync()).CourseTitle);
        Assert.Equal("Phishing 2", Assert.Single(await sibling.RowsAsync()).CourseTitle);
    }

    [Fact]
    public async Task ClientChanged_AnotherTimeZone_MovesTheEndOfTheDueDay()
    {
        var tenant = await fixture.NewTenantAsync("Europe/Copenhagen", "phishing");
        await tenant.ReceiveAsync(Decide(Guid.CreateVersion7(), 1, Verdict.InScope, "baseline"));
        var before = Assert.Single(await tenant.RowsAsync()).DueAt;

        await fixture.PublishAsync(Zone(revision: 3, "America/New_York"));
        await fixture.PublishAsync(Zone(revision: 2, "Asia/Tokyo"));

        await Eventually.HoldsAsync(async () =>
            Assert.Equal(before.AddHours(6), Assert.Single(await tenant.RowsAsync()).DueAt)
        );

        ClientChanged Zone(long revision, string zone) =>
            new()
            {
                MspId = tenant.MspId.ToString(),
                ClientId = tenant.ClientId,
                Revision = revision,
                TimeZone = zone,
            };
    }

    private static async Task<ApplyDefaultPathsResponse> ApplyAsync(TestTenant tenant) =>
        await tenant.Paths.ApplyDefaultPathsAsync(new() { ClientId = tenant.ClientId });
}
