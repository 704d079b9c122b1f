using System.Globalization;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Notification.V1;
using Rollcall.Notification.Data;
using Rollcall.Notification.Mail;
using Rollcall.Notification.Reminders;
using Rollcall.Platform;

namespace Rollcall.Notification.Api;

public sealed class CadenceApi(
    NotificationDbContext db,
    ReminderDesk reminders,
    MailPlan plan,
    TenantContext tenant,
    TimeProvider clock
) : CadenceService.CadenceServiceBase
{
    private const int MaxSteps = 10;
    private const int MaxDays = 90;

    public override async Task<GetCadenceResponse> GetCadence(GetCadenceRequest request, ServerCallContext context)
    {
        var ct = context.CancellationToken;
        var clientId = Requests.Id(request.ClientId, "client_id");

        await using var transaction = await db.BeginAsync(ct);
        return new() { Cadence = (await FindAsync(clientId, ct) ?? Default(clientId)).ToProto() };
    }

    public override async Task<UpdateCadenceResponse> UpdateCadence(
        UpdateCadenceRequest request,
        ServerCallContext context
    )
    {
        var ct = context.CancellationToken;
        var clientId = Requests.Id(request.ClientId, "client_id");
        var change = request.Cadence ?? throw AppException.Invalid("cadence", "is required");
        var paths = Masks.Paths(request.UpdateMask);

        await using var transaction = await db.BeginAsync(ct);
        var cadence = await FindAsync(clientId, ct);
        if (change.Etag is { Length: > 0 } etag && etag != (cadence?.Version ?? 0).Etag())
        {
            throw AppException.Stale("cadence", clientId);
        }

        if (cadence is null)
        {
            cadence = Default(clientId);
            db.Cadences.Add(cadence);
        }

        Apply(cadence, change, paths);
        cadence.EffectiveAt = clock.GetUtcNow();
        await SaveAsync(clientId, ct);
        await plan.WakeHeldAsync(clientId, ct);
        await reminders.ReviewAsync(clientId, userIds: null, ct);
        await transaction.CommitAsync(ct);
        return new() { Cadence = cadence.ToProto() };
    }

    private static void Apply(ClientCadence cadence, Cadence change, IReadOnlyList<string> paths)
    {
        foreach (var path in paths)
        {
            switch (path)
            {
                case "steps":
                    cadence.Steps = Steps(change);
                    break;
                case "send_at":
                    cadence.SendAt = Time(change.SendAt, "cadence.send_at");
                    break;
                case "quiet_from":
                    cadence.QuietFrom = OptionalTime(change.QuietFrom, "cadence.quiet_from");
                    break;
                case "quiet_until":
                    cadence.QuietUntil = OptionalTime(change.QuietUntil, "cadence.quiet_until");
                    break;
                default:
                    throw AppException.Invalid("update_mask", $"names {path}, which cannot be changed");
            }
        }

        if (
            cadence.QuietFrom is null != cadence.QuietUntil is null
            || (cadence.QuietFrom is { } from && from == cadence.QuietUntil)
        )
        {
            throw AppException.Invalid(
                "cadence.quiet_until",
                "and quiet_from must both be set, and differ, or both be empty"
            );
        }
    }

    private static int[] Steps(Cadence change)
    {
        var steps = change.Steps.Distinct().Order().ToArray();
        return steps.Length <= MaxSteps && steps.All(s => Math.Abs((long)s) <= MaxDays)
            ? steps
            : throw AppException.Invalid(
                "cadence.steps",
                $"must be at most {MaxSteps} days from -{MaxDays} to {MaxDays}"
            );
    }

    private static TimeOnly? OptionalTime(string value, string field) => value.Length == 0 ? null : Time(value, field);

    private static TimeOnly Time(string value, string field) =>
        TimeOnly.TryParseExact(value, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var time)
            ? time
            : throw AppException.Invalid(field, "must be a time of day such as 09:00");

    private async Task SaveAsync(Guid clientId, CancellationToken ct)
    {
        try
        {
            await db.SaveChangesAsync(ct);
        }
        catch (DbUpdateException e) when (e.IsUniqueViolation())
        {
            throw AppException.Stale("cadence", clientId);
        }
    }

    private Task<ClientCadence?> FindAsync(Guid clientId, CancellationToken ct) =>
        db.Cadences.SingleOrDefaultAsync(c => c.ClientId == clientId, ct);

    private ClientCadence Default(Guid clientId) => new() { MspId = tenant.MspId, ClientId = clientId };
}
