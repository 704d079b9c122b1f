using Rollcall.Api.Assignment.V1;
using Rollcall.Testing;

namespace Rollcall.Assignment.Tests;

public sealed class CatalogApiTests(AssignmentFixture fixture)
{
    [Fact]
    public async Task CreateCourse_SameRequestAtOnce_MakesOneCourse()
    {
        var tenant = await fixture.NewTenantAsync();
        var request = new CreateCourseRequest
        {
            Course = new()
            {
                Title = " Phishing ",
                LaunchUrl = "https://lms.example/phishing",
                DurationMinutes = 15,
            },
            RequestId = Guid.CreateVersion7().ToString(),
        };

        var answers = await Task.WhenAll(
            Enumerable.Range(0, 4).Select(_ => tenant.Catalog.CreateCourseAsync(request).ResponseAsync)
        );

        var course = Assert.Single(answers.Select(a => a.Course).Distinct());
        Assert.Equal(("Phishing", 15), (course.Title, course.DurationMinutes));
        Assert.Equal(course, Assert.Single((await tenant.Catalog.ListCoursesAsync(new())).Courses));
    }

    [Fact]
    public async Task UpdateCourse_FieldsOfTheMask_ChangesOnlyThose()
    {
        var tenant = await fixture.NewTenantAsync(courses: ["phishing"]);
        var course = Assert.Single((await tenant.Catalog.ListCoursesAsync(new())).Courses);
        var change = new Course
        {
            Id = course.Id,
            Etag = course.Etag,
            Title = "ignored",
            Archived = true,
        };

        var updated = await UpdateAsync(tenant, change, "archived");

        Assert.Equal(("phishing", true), (updated.Title, updated.Archived));
        Assert.Empty((await tenant.Catalog.ListCoursesAsync(new())).Courses);
        Assert.Single((await tenant.Catalog.ListCoursesAsync(new() { IncludeArchived = true })).Courses);
        await Refused.WithAsync("ETAG_MISMATCH", () => UpdateAsync(tenant, change, "archived"));
    }

    [Fact]
    public async Task AnyCall_WithWrongFields_IsRefusedByName()
    {
        var tenant = await fixture.NewTenantAsync(courses: ["phishing"]);
        var course = Assert.Single((await tenant.Catalog.ListCoursesAsync(new())).Courses);

        await Refused.ForAsync("course.title", () => CreateAsync(new()));
        await Refused.ForAsync("course.launch_url", () => CreateAsync(new() { LaunchUrl = "javascript:alert(1)" }));
        await Refused.ForAsync("course.duration_minutes", () => CreateAsync(new() { DurationMinutes = 601 }));
        await Refused.ForAsync("update_mask", () => UpdateAsync(tenant, course, "etag"));
        await Refused.ForAsync("update_mask", () => UpdateAsync(tenant, course));

        Task<CreateCourseResponse> CreateAsync(Course wrong)
        {
            wrong.Title = wrong.Equals(new()) ? "" : "phishing";
            return tenant.Catalog.CreateCourseAsync(new() { Course = wrong }).ResponseAsync;
        }
    }

    [Fact]
    public async Task AnyCall_ByAnotherMspOrALesserRole_IsRefused()
    {
        var tenant = await fixture.NewTenantAsync(courses: ["phishing"]);
        var stranger = await fixture.NewTenantAsync();
        var course = Assert.Single((await tenant.Catalog.ListCoursesAsync(new())).Courses);
        var get = new GetCourseRequest { CourseId = course.Id };
        var technician = fixture.Client<CatalogService.CatalogServiceClient>(
            TestTokens.Technician(tenant.MspId, Guid.Parse(tenant.ClientId))
        );

        Assert.Equal(course, (await technician.GetCourseAsync(get)).Course);
        await Refused.WithAsync("ROLE_NOT_ALLOWED", () => technician.CreateCourseAsync(new() { Course = course }));
        await Refused.WithAsync("COURSE_NOT_FOUND", () => stranger.Catalog.GetCourseAsync(get));
        await Refused.WithAsync("COURSE_NOT_FOUND", () => UpdateAsync(stranger, course, "title"));
        await Refused.WithAsync("COURSE_NOT_FOUND", () => stranger.SetPathAsync("managers", [course.Id]));
    }

    private static async Task<Course> UpdateAsync(TestTenant tenant, Course course, params string[] fields) =>
        (
            await tenant.Catalog.UpdateCourseAsync(
                new()
                {
                    Course = course,
                    UpdateMask = new() { Paths = { fields } },
                }
            )
        ).Course;
}
