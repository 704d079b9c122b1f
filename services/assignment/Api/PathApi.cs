using System.Text.RegularExpressions;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Assignment.V1;
using Rollcall.Assignment.Data;
using Rollcall.Assignment.Planning;
using Rollcall.Platform;
using Course = Rollcall.Assignment.Data.Course;

namespace Rollcall.Assignment.Api;

/// <summary>What each audience of a client has to learn.</summary>
public sealed partial class PathApi(
    AssignmentDbContext db,
    TenantContext tenant,
    PlannedClients clients,
    TimeProvider clock
) : PathService.PathServiceBase
{
    private const int MaxCourses = 50;
    private const int MaxDueDays = 365;

    public override async Task<SetPathResponse> SetPath(SetPathRequest request, ServerCallContext context)
    {
        var ct = context.CancellationToken;
        var wanted = Parse(request);
        await using var transaction = await db.BeginAsync(ct);

        await RequireCoursesAsync(wanted.CourseIds, ct);
        await clients.ReplanAsync(wanted.ClientId, ct);
        var path = await SetAsync(wanted, request.Path.Etag, ct);
        await db.SaveChangesAsync(ct);
        await transaction.CommitAsync(ct);

        return new() { Path = path.ToProto() };
    }

    public override async Task<GetPathResponse> GetPath(GetPathRequest request, ServerCallContext context)
    {
        var clientId = Requests.Id(request.ClientId, "client_id");
        var audience = Audience(request.Audience, "audience");
        await using var transaction = await db.BeginAsync(context.CancellationToken);

        var path = await PathsOf(clientId).SingleOrDefaultAsync(p => p.Audience == audience, context.CancellationToken);
        return new() { Path = path?.ToProto() ?? throw AppException.NotFound("path", audience) };
    }

    public override async Task<ListPathsResponse> ListPaths(ListPathsRequest request, ServerCallContext context)
    {
        var ct = context.CancellationToken;
        var clientId = Requests.Id(request.ClientId, "client_id");
        var size = Requests.PageSize(request.PageSize);
        var after = PageToken.Read(request.PageToken, request) ?? "";
        await using var transaction = await db.BeginAsync(ct);

        var paths = await PathsOf(clientId)
            .AsNoTracking()
            .Where(p => string.Compare(p.Audience, after) > 0)
            .OrderBy(p => p.Audience)
            .Take(size + 1)
            .ToListAsync(ct);

        var answer = new ListPathsResponse
        {
            Paths = { paths.Take(size).Select(p => p.ToProto()) },
            Planning = await db.Clients.AnyAsync(
                c => c.MspId == tenant.MspId && c.ClientId == clientId && c.ReplanAfter != null,
                ct
            ),
        };
        if (paths.Count > size)
        {
            answer.NextPageToken = PageToken.Write(answer.Paths[^1].Audience, request);
        }

        return answer;
    }

    public override async Task<ApplyDefaultPathsResponse> ApplyDefaultPaths(
        ApplyDefaultPathsRequest request,
        ServerCallContext context
    )
    {
        var ct = context.CancellationToken;
        var clientId = Requests.Id(request.ClientId, "client_id");
        await using var transaction = await db.BeginAsync(ct);

        var courses = await AddTemplateCoursesAsync(ct);
        await clients.ReplanAsync(clientId, ct);
        var known = await PathsOf(clientId).ToDictionaryAsync(p => p.Audience, StringComparer.Ordinal, ct);
        foreach (var template in DefaultPaths.Paths.Where(p => !known.ContainsKey(p.Audience)))
        {
            known[template.Audience] = db.Paths.Add(FromTemplate(clientId, template, courses)).Entity;
        }

        await db.SaveChangesAsync(ct);
        await transaction.CommitAsync(ct);

        return new() { Paths = { DefaultPaths.Paths.Select(p => known[p.Audience].ToProto()) } };
    }

    private AudiencePath Parse(SetPathRequest request)
    {
        var path = request.Path ?? throw AppException.Invalid("path", "is required");
        var courseIds = path.CourseIds.Select(id => Requests.Id(id, "path.course_ids")).ToList();
        if (courseIds.Count > MaxCourses || courseIds.Distinct().Count() != courseIds.Count)
        {
            throw AppException.Invalid("path.course_ids", $"must name each course once and at most {MaxCourses}");
        }

        return new()
        {
            MspId = tenant.MspId,
            ClientId = Requests.Id(request.ClientId, "client_id"),
            Audience = Audience(path.Audience, "path.audience"),
            CourseIds = courseIds,
            DueDays = path.DueDays is >= 1 and <= MaxDueDays
                ? path.DueDays
                : throw AppException.Invalid("path.due_days", $"must be between 1 and {MaxDueDays}"),
            Recurrence = path.Recurrence is Recurrence.None or Recurrence.Yearly
                ? path.Recurrence
                : throw AppException.Invalid("path.recurrence", "must be RECURRENCE_NONE or RECURRENCE_YEARLY"),
            UpdatedAt = clock.GetUtcNow(),
        };
    }

    private static string Audience(string value, string field) =>
        AudienceKey().IsMatch(value)
            ? value
            : throw AppException.Invalid(field, "must be lower-case letters, digits and hyphens");

    [GeneratedRegex("^[a-z0-9][a-z0-9-]{0,99}$", RegexOptions.NonBacktracking)]
    private static partial Regex AudienceKey();

    private IQueryable<AudiencePath> PathsOf(Guid clientId) =>
        db.Paths.Where(p => p.MspId == tenant.MspId && p.ClientId == clientId);

    private async Task<AudiencePath> SetAsync(AudiencePath wanted, string etag, CancellationToken ct)
    {
        var path = await PathsOf(wanted.ClientId).SingleOrDefaultAsync(p => p.Audience == wanted.Audience, ct);
        if (etag.Length > 0 && etag != path?.Etag)
        {
            throw AppException.Stale("path", wanted.Audience);
        }

        if (path is null)
        {
            return db.Paths.Add(wanted).Entity;
        }

        if (
            path.CourseIds.SequenceEqual(wanted.CourseIds)
            && path.DueDays == wanted.DueDays
            && path.Recurrence == wanted.Recurrence
        )
        {
            return path;
        }

        path.CourseIds = wanted.CourseIds;
        path.DueDays = wanted.DueDays;
        path.Recurrence = wanted.Recurrence;
        path.UpdatedAt = wanted.UpdatedAt;
        return path;
    }

    /// <summary>Locked against a change until the commit, so that whoever changes one finds this path.</summary>
    private async Task RequireCoursesAsync(List<Guid> courseIds, CancellationToken ct)
    {
        var found = await db
            .Database.SqlQuery<Guid>(
                $"select id from course where msp_id = {tenant.MspId} and id = any ({courseIds}) order by id for share"
            )
            .ToListAsync(ct);
        if (courseIds.Except(found).FirstOrDefault() is var missing && missing != Guid.Empty)
        {
            throw AppException.NotFound("course", missing);
        }
    }

    /// <summary>The template's courses by key; whoever else applies the template adds the same ones.</summary>
    private async Task<Dictionary<string, Guid>> AddTemplateCoursesAsync(CancellationToken ct)
    {
        var wanted = DefaultPaths.Courses.Select(c => new Course
        {
            Id = Guid.CreateVersion7(),
            MspId = tenant.MspId,
            Title = c.Title,
            LaunchUrl = "",
            DurationMinutes = c.DurationMinutes,
            TemplateKey = c.Key,
            CreatedAt = clock.GetUtcNow(),
        });
        await db.Database.ExecuteSqlAsync(
            $"""
            insert into course (id, msp_id, title, launch_url, duration_minutes, archived, template_key, created_at)
            select id, msp_id, title, launch_url, duration_minutes, archived, template_key, created_at
            from jsonb_populate_recordset(null::course, {RowJson.Write(wanted)}::jsonb)
            order by template_key
            on conflict (msp_id, template_key) do nothing
            """,
            ct
        );
        var courses = await db
            .Courses.FromSql(
                $"""
                select *, xmin from course where msp_id = {tenant.MspId} and template_key is not null
                order by id for share
                """
            )
            .AsNoTracking()
            .ToListAsync(ct);
        return courses.ToDictionary(c => c.TemplateKey!, c => c.Id, StringComparer.Ordinal);
    }

    private AudiencePath FromTemplate(Guid clientId, TemplatePath template, Dictionary<string, Guid> courses) =>
        new()
        {
            MspId = tenant.MspId,
            ClientId = clientId,
            Audience = template.Audience,
            CourseIds = [.. template.Courses.Select(key => courses[key])],
            DueDays = template.DueDays,
            Recurrence = template.Recurrence,
            UpdatedAt = clock.GetUtcNow(),
        };
}
