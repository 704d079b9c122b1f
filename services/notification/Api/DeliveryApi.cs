using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Assignment.V1;
using Rollcall.Api.Notification.V1;
using Rollcall.Notification.Data;
using Rollcall.Notification.Mail;
using Rollcall.Platform;

namespace Rollcall.Notification.Api;

public sealed class DeliveryApi(NotificationDbContext db, MailComposer composer, TimeProvider clock)
    : DeliveryService.DeliveryServiceBase
{
    private const int ExplainedDeliveries = 20;

    public override async Task<ListDeliveriesResponse> ListDeliveries(
        ListDeliveriesRequest request,
        ServerCallContext context
    )
    {
        var ct = context.CancellationToken;
        var clientId = Requests.Id(request.ClientId, "client_id");
        var size = Requests.PageSize(request.PageSize);
        var query = Filter(clientId, request);
        if (PageToken.ReadId(request.PageToken, request) is { } before)
        {
            query = query.Where(d => d.Id < before);
        }

        await using var transaction = await db.BeginAsync(ct);
        var page = await query.OrderByDescending(d => d.Id).Take(size + 1).ToListAsync(ct);

        var response = new ListDeliveriesResponse();
        response.Deliveries.AddRange(await ToProtoAsync(clientId, page.Take(size).ToList(), ct));
        if (page.Count > size)
        {
            response.NextPageToken = PageToken.Write(page[size - 1].Id.ToString(), request);
        }

        return response;
    }

    public override async Task<ExplainUserResponse> ExplainUser(ExplainUserRequest request, ServerCallContext context)
    {
        var ct = context.CancellationToken;
        var clientId = Requests.Id(request.ClientId, "client_id");
        var userId = Requests.Id(request.UserId, "user_id");

        await using var transaction = await db.BeginAsync(ct);
        var person = await db.RosterUserAsync(clientId, userId, ct);
        var open = await db
            .Tasks.AsNoTracking()
            .Where(t => t.ClientId == clientId && t.UserId == userId && t.State == AssignmentState.Open)
            .ToListAsync(ct);
        var deliveries = await db
            .Deliveries.AsNoTracking()
            .Where(d => d.ClientId == clientId && d.UserId == userId)
            .OrderByDescending(d => d.Id)
            .Take(ExplainedDeliveries)
            .ToListAsync(ct);
        var (code, text) = MailExplanation.Of(
            Recipient.Problem(person, clock.GetUtcNow()),
            open.Count,
            deliveries.FirstOrDefault()
        );

        var response = new ExplainUserResponse
        {
            Code = code,
            Explanation = text,
            OpenAssignments = open.Count,
            NextReminderTime = open.Min(t => t.NextReminderAt)?.ToTimestamp(),
        };
        response.Deliveries.AddRange(await ToProtoAsync(clientId, deliveries, ct));
        return response;
    }

    private IQueryable<MailDelivery> Filter(Guid clientId, ListDeliveriesRequest request)
    {
        var query = db.Deliveries.AsNoTracking().Where(d => d.ClientId == clientId);
        if (Requests.OptionalId(request.UserId, "user_id") is { } userId)
        {
            query = query.Where(d => d.UserId == userId);
        }

        if (request.State != DeliveryState.Unspecified)
        {
            query = query.Where(d => d.State == request.State);
        }

        return request.Kind == DeliveryKind.Unspecified ? query : query.Where(d => d.Kind == request.Kind);
    }

    private async Task<List<Delivery>> ToProtoAsync(Guid clientId, List<MailDelivery> page, CancellationToken ct)
    {
        var ids = page.Select(d => d.Id).ToList();
        var items = await db
            .Items.Where(i => i.ClientId == clientId && ids.Contains(i.DeliveryId))
            .OrderBy(i => i.AssignmentId)
            .ThenBy(i => i.Step)
            .Select(i => new
            {
                i.DeliveryId,
                i.AssignmentId,
                i.Step,
                i.Dropped,
                Title = db
                    .Tasks.Where(t => t.ClientId == clientId && t.AssignmentId == i.AssignmentId)
                    .Select(t => t.CourseTitle)
                    .FirstOrDefault(),
            })
            .ToListAsync(ct);
        var queue = await db
            .SendQueue.Where(q => q.ClientId == clientId && ids.Contains(q.DeliveryId))
            .ToDictionaryAsync(q => q.DeliveryId, q => (DateTimeOffset?)q.NextAt, ct);
        var byDelivery = items.ToLookup(
            i => i.DeliveryId,
            i => new DeliveryItem
            {
                AssignmentId = i.AssignmentId.ToString(),
                CourseTitle = i.Title ?? "",
                Step = i.Step,
                Dropped = i.Dropped,
            }
        );
        return
        [
            .. page.Select(d => d.ToProto(composer.MessageId(d.Id), byDelivery[d.Id], queue.GetValueOrDefault(d.Id))),
        ];
    }
}
