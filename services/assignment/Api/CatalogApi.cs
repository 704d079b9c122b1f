using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Assignment.V1;
using Rollcall.Assignment.Data;
using Rollcall.Assignment.Planning;
using Rollcall.Platform;
using Course = Rollcall.Assignment.Data.Course;

namespace Rollcall.Assignment.Api;

/// <summary>The courses of the caller's MSP.</summary>
public sealed class CatalogApi(AssignmentDbContext db, TenantContext tenant, PlannedClients clients, TimeProvider clock)
    : CatalogService.CatalogServiceBase
{
    private const int MaxMinutes = 600;

    public override async Task<CreateCourseResponse> CreateCourse(
        CreateCourseRequest request,
        ServerCallContext context
    )
    {
        var course = new Course
        {
            Id = Guid.CreateVersion7(),
            MspId = tenant.MspId,
            Title = Requests.Text(request.Course?.Title ?? "", "course.title"),
            LaunchUrl = Url(request.Course!.LaunchUrl),
            DurationMinutes = Minutes(request.Course.DurationMinutes),
            RequestId = Requests.OptionalId(request.RequestId, "request_id"),
            CreatedAt = clock.GetUtcNow(),
        };

        return new() { Course = (await AddOrFindAsync(course, context.CancellationToken)).ToProto() };
    }

    public override async Task<UpdateCourseResponse> UpdateCourse(
        UpdateCourseRequest request,
        ServerCallContext context
    )
    {
        var ct = context.CancellationToken;
        var courseId = Requests.Id(request.Course?.Id ?? "", "course.id");
        await using var transaction = await db.BeginAsync(ct);

        var course = await FindAsync(courseId, ct);
        if (request.Course!.Etag is { Length: > 0 } etag && etag != course.Etag)
        {
            throw AppException.Stale("course", courseId);
        }

        Apply(request, course);
        await db.SaveChangesAsync(ct);
        await clients.ReplanForCourseAsync(courseId, ct);
        await transaction.CommitAsync(ct);

        return new() { Course = course.ToProto() };
    }

    public override async Task<GetCourseResponse> GetCourse(GetCourseRequest request, ServerCallContext context)
    {
        var courseId = Requests.Id(request.CourseId, "course_id");
        await using var transaction = await db.BeginAsync(context.CancellationToken);

        return new() { Course = (await FindAsync(courseId, context.CancellationToken)).ToProto() };
    }

    public override async Task<ListCoursesResponse> ListCourses(ListCoursesRequest request, ServerCallContext context)
    {
        var size = Requests.PageSize(request.PageSize);
        var after = PageToken.ReadId(request.PageToken, request) ?? Guid.Empty;
        await using var transaction = await db.BeginAsync(context.CancellationToken);

        var courses = await db
            .Courses.AsNoTracking()
            .Where(c => c.MspId == tenant.MspId && c.Id > after && (request.IncludeArchived || !c.Archived))
            .OrderBy(c => c.Id)
            .Take(size + 1)
            .ToListAsync(context.CancellationToken);

        var answer = new ListCoursesResponse { Courses = { courses.Take(size).Select(c => c.ToProto()) } };
        if (courses.Count > size)
        {
            answer.NextPageToken = PageToken.Write(answer.Courses[^1].Id, request);
        }

        return answer;
    }

    private static void Apply(UpdateCourseRequest request, Course course)
    {
        if (request.UpdateMask is not { Paths: { Count: > 0 } fields })
        {
            throw AppException.Invalid("update_mask", "is required");
        }

        foreach (var field in fields)
        {
            switch (field)
            {
                case "title":
                    course.Title = Requests.Text(request.Course.Title, "course.title");
                    break;
                case "launch_url":
                    course.LaunchUrl = Url(request.Course.LaunchUrl);
                    break;
                case "duration_minutes":
                    course.DurationMinutes = Minutes(request.Course.DurationMinutes);
                    break;
                case "archived":
                    course.Archived = request.Course.Archived;
                    break;
                default:
                    throw AppException.Invalid(
                        "update_mask",
                        "may only name title, launch_url, duration_minutes, archived"
                    );
            }
        }
    }

    private static string Url(string value) =>
        value.Length == 0
        || (value.Length <= 2000 && Uri.TryCreate(value, UriKind.Absolute, out var url) && url.Scheme == "https")
            ? value
            : throw AppException.Invalid("course.launch_url", "must be an https address of at most 2000 characters");

    private static int Minutes(int value) =>
        value is >= 0 and <= MaxMinutes
            ? value
            : throw AppException.Invalid("course.duration_minutes", $"must be between 0 and {MaxMinutes}");

    private async Task<Course> AddOrFindAsync(Course course, CancellationToken ct)
    {
        await using (var transaction = await db.BeginAsync(ct))
        {
            db.Courses.Add(course);
            try
            {
                await db.SaveChangesAsync(ct);
                await transaction.CommitAsync(ct);
                return course;
            }
            catch (DbUpdateException e) when (e.IsUniqueViolation())
            {
                db.ChangeTracker.Clear();
            }
        }

        await using var again = await db.BeginAsync(ct);
        return await db.Courses.SingleAsync(c => c.MspId == tenant.MspId && c.RequestId == course.RequestId, ct);
    }

    private async Task<Course> FindAsync(Guid courseId, CancellationToken ct) =>
        await db.Courses.SingleOrDefaultAsync(c => c.MspId == tenant.MspId && c.Id == courseId, ct)
        ?? throw AppException.NotFound("course", courseId);
}
