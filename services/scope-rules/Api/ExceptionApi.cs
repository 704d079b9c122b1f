using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Scope.V1;
using Rollcall.Platform;
using Rollcall.ScopeRules.Data;
using Rollcall.ScopeRules.Decisions;
using Rollcall.ScopeRules.Exceptions;
using Rollcall.ScopeRules.Policies;

namespace Rollcall.ScopeRules.Api;

/// <summary>Exceptions: who asked, who approved, why, until when.</summary>
public sealed class ExceptionApi(
    ScopeDbContext db,
    ClientScopes clients,
    ExceptionBook book,
    Evaluations evaluations,
    EvaluationSignal signal,
    TenantContext tenant,
    CallerContext caller,
    TimeProvider clock
) : ExceptionService.ExceptionServiceBase
{
    public override async Task<CreateExceptionResponse> CreateException(
        CreateExceptionRequest request,
        ServerCallContext context
    )
    {
        var ct = context.CancellationToken;
        var clientId = Requests.Id(request.ClientId, "client_id");
        var requestId = Requests.OptionalId(request.RequestId, "request_id");

        await using var transaction = await db.BeginAsync(ct);
        var client = await clients.LockAsync(tenant.MspId, clientId, ct);
        if (requestId is not null && await book.FindByRequestAsync(clientId, requestId, ct) is { } made)
        {
            return new() { Exception = (await book.ShowAsync(clientId, [made], ct))[0] };
        }

        var people = await PeopleAsync(clientId, request, ct);
        var exception = Read(request, client, people.Count, requestId);
        await book.AddAsync(exception, people, ct);
        await evaluations.StartAsync(client, people, ct);
        await db.SaveChangesAsync(ct);
        var shown = await book.ShowAsync(clientId, [exception], ct);
        await transaction.CommitAsync(ct);
        signal.Set();
        return new() { Exception = shown[0] };
    }

    public override async Task<ListExceptionsResponse> ListExceptions(
        ListExceptionsRequest request,
        ServerCallContext context
    )
    {
        var ct = context.CancellationToken;
        var clientId = Requests.Id(request.ClientId, "client_id");
        var userId = Requests.OptionalId(request.UserId, "user_id");
        var size = Requests.PageSize(request.PageSize);
        var after = PageToken.ReadId(request.PageToken, request) ?? Guid.Empty;

        await using var transaction = await db.BeginAsync(ct);
        var query = db.Exceptions.AsNoTracking().Where(e => e.ClientId == clientId && e.Id > after);
        if (request.ActiveOnly)
        {
            query = query.InForce(clientId, clock.GetUtcNow());
        }

        if (userId is not null)
        {
            query = query.Where(e =>
                db.ExceptionPeople.Any(p =>
                    p.ClientId == clientId && p.ExceptionId == e.Id && p.UserId == userId && p.LapsedAt == null
                )
            );
        }

        var rows = await query.OrderBy(e => e.Id).Take(size + 1).ToListAsync(ct);
        return new()
        {
            Exceptions = { await book.ShowAsync(clientId, [.. rows.Take(size)], ct) },
            NextPageToken = rows.Count > size ? PageToken.Write(rows[size - 1].Id.ToString(), request) : "",
        };
    }

    public override async Task<EndExceptionResponse> EndException(
        EndExceptionRequest request,
        ServerCallContext context
    )
    {
        var ct = context.CancellationToken;
        var clientId = Requests.Id(request.ClientId, "client_id");
        var id = Requests.Id(request.ExceptionId, "exception_id");

        await using var transaction = await db.BeginAsync(ct);
        var client = await clients.LockAsync(tenant.MspId, clientId, ct);
        var exception =
            await db.Exceptions.SingleOrDefaultAsync(e => e.ClientId == clientId && e.Id == id, ct)
            ?? throw AppException.NotFound("exception", id);
        if (exception.EndedAt is null)
        {
            exception.EndedAt = clock.GetUtcNow();
            exception.EndedBy = caller.Caller.Subject;
            await evaluations.StartAsync(client, await book.PeopleAsync(clientId, id, ct), ct);
            await db.SaveChangesAsync(ct);
        }

        var shown = await book.ShowAsync(clientId, [exception], ct);
        await transaction.CommitAsync(ct);
        signal.Set();
        return new() { Exception = shown[0] };
    }

    private async Task<List<Guid>> PeopleAsync(Guid clientId, CreateExceptionRequest request, CancellationToken ct) =>
        request.SubjectCase switch
        {
            CreateExceptionRequest.SubjectOneofCase.UserId =>
            [
                await book.RequireUserAsync(clientId, Requests.Id(request.UserId, "user_id"), ct),
            ],
            CreateExceptionRequest.SubjectOneofCase.GroupId => await book.RequireMembersAsync(
                clientId,
                Requests.Id(request.GroupId, "group_id"),
                ct
            ),
            CreateExceptionRequest.SubjectOneofCase.None => throw AppException.Invalid(
                "subject",
                "must be a user_id or a group_id"
            ),
        };

    private ExceptionRow Read(CreateExceptionRequest request, ClientScope client, int people, Guid? requestId)
    {
        var now = clock.GetUtcNow();
        var expires = Future(request.ExpireTime, "expire_time", now);
        var review = Future(request.ReviewTime, "review_time", now);
        return new()
        {
            MspId = client.MspId,
            ClientId = client.ClientId,
            Id = Guid.CreateVersion7(),
            Kind = request.Kind is ExceptionKind.Include or ExceptionKind.Exclude
                ? request.Kind
                : throw AppException.Invalid("kind", "is required"),
            Audiences =
                request.Kind == ExceptionKind.Exclude && request.Audiences.Count > 0
                    ? throw AppException.Invalid("audiences", "belongs to including exceptions")
                    : [.. request.Audiences.Select((a, i) => AudienceChecks.Key(a, $"audiences[{i}]"))],
            Reason = Requests.Text(request.Reason, "reason", 1000),
            RequestedBy = Requests.Text(request.RequestedBy, "requested_by"),
            ApprovedBy = Requests.Text(request.ApprovedBy, "approved_by"),
            CreatedBy = caller.Caller.Subject,
            CreatedAt = now,
            ReviewAt = review ?? (expires is null ? now.AddYears(1) : null),
            ExpiresAt = expires,
            GroupId = Requests.OptionalId(request.GroupId, "group_id"),
            People = people,
            RequestId = requestId,
        };
    }

    private static DateTimeOffset? Future(Timestamp? time, string field, DateTimeOffset now)
    {
        if (time is null)
        {
            return null;
        }

        var moment = Requests.Time(time, field);
        return moment > now ? moment : throw AppException.Invalid(field, "must be in the future");
    }
}
