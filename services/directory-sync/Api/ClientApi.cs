using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.EntityFrameworkCore;
using Rollcall.Api.Directory.V1;
using Rollcall.DirectorySync.Data;
using Rollcall.Platform;

namespace Rollcall.DirectorySync.Api;

public sealed class ClientApi(DirectoryDbContext db, TenantContext tenant, TimeProvider clock)
    : ClientService.ClientServiceBase
{
    private const int DefaultLeaverAfterDays = 30;

    public override async Task<CreateMspResponse> CreateMsp(CreateMspRequest request, ServerCallContext context)
    {
        var name = Requests.Text(request.DisplayName, "display_name");
        var requestId = Requests.OptionalId(request.RequestId, "request_id");

        // A repeated request must find its MSP: with a request id, the id is the MSP's.
        var msp = new Data.Msp
        {
            MspId = requestId ?? Guid.CreateVersion7(),
            DisplayName = name,
            RequestId = requestId,
            CreatedAt = clock.GetUtcNow(),
        };
        tenant.Enter(Tenant.WholeMsp(msp.MspId));
        await using var transaction = await db.BeginAsync(context.CancellationToken);
        if (await db.Msps.SingleOrDefaultAsync(m => m.MspId == msp.MspId, context.CancellationToken) is { } earlier)
        {
            return new() { Msp = ToProto(earlier) };
        }

        db.Msps.Add(msp);
        await SaveAsync("MSP_EXISTS", "An MSP of this name exists", context.CancellationToken);
        await transaction.CommitAsync(context.CancellationToken);
        return new() { Msp = ToProto(msp) };
    }

    public override async Task<CreateClientResponse> CreateClient(
        CreateClientRequest request,
        ServerCallContext context
    )
    {
        var ct = context.CancellationToken;
        var name = Requests.Text(request.DisplayName, "display_name");
        var requestId = Requests.OptionalId(request.RequestId, "request_id");
        var zone = request.TimeZone is "" ? "Etc/UTC" : request.TimeZone;
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(zone, out _))
        {
            throw AppException.Invalid("time_zone", "must be an IANA zone such as Europe/Copenhagen");
        }

        if (request.LeaverAfterDays is < 0 or > 365)
        {
            throw AppException.Invalid("leaver_after_days", "must be between 1 and 365, or 0 for 30");
        }

        await using var transaction = await db.BeginAsync(ct);
        var msp = await db.Msps.SingleOrDefaultAsync(ct) ?? throw AppException.NotFound("msp", tenant.MspId);
        if (
            requestId is not null
            && await db.Clients.SingleOrDefaultAsync(c => c.RequestId == requestId, ct) is { } earlier
        )
        {
            return new() { Client = ToProto(earlier, msp) };
        }

        var client = new Data.Client
        {
            MspId = tenant.MspId,
            DisplayName = name,
            TimeZone = zone,
            LeaverAfterDays = request.LeaverAfterDays is 0 ? DefaultLeaverAfterDays : request.LeaverAfterDays,
            RequestId = requestId,
            CreatedAt = clock.GetUtcNow(),
        };
        db.Clients.Add(client);
        db.Publish(
            new ClientChanged
            {
                MspId = client.MspId.ToString(),
                ClientId = client.ClientId.ToString(),
                OccurTime = client.CreatedAt.ToTimestamp(),
                Revision = client.Revision,
                DisplayName = client.DisplayName,
                TimeZone = client.TimeZone,
                MspDisplayName = msp.DisplayName,
            }
        );
        await SaveAsync("CLIENT_EXISTS", "The MSP has a client of this name", ct);
        await transaction.CommitAsync(ct);
        return new() { Client = ToProto(client, msp) };
    }

    public override async Task<GetClientResponse> GetClient(GetClientRequest request, ServerCallContext context)
    {
        var clientId = Requests.Id(request.ClientId, "client_id");
        await using var transaction = await db.BeginAsync(context.CancellationToken);
        var client =
            await db.Clients.AsNoTracking().SingleOrDefaultAsync(c => c.ClientId == clientId, context.CancellationToken)
            ?? throw AppException.NotFound("client", clientId);
        var msp = await db.Msps.AsNoTracking().SingleAsync(context.CancellationToken);
        return new() { Client = ToProto(client, msp) };
    }

    public override async Task<ListClientsResponse> ListClients(ListClientsRequest request, ServerCallContext context)
    {
        var size = Requests.PageSize(request.PageSize);
        var after = PageToken.ReadId(request.PageToken, request) ?? Guid.Empty;
        await using var transaction = await db.BeginAsync(context.CancellationToken);
        var msp = await db.Msps.AsNoTracking().SingleAsync(context.CancellationToken);
        var clients = await db
            .Clients.AsNoTracking()
            .Where(c => c.ClientId > after)
            .OrderBy(c => c.ClientId)
            .Take(size + 1)
            .ToListAsync(context.CancellationToken);
        return new()
        {
            Clients = { clients.Take(size).Select(c => ToProto(c, msp)) },
            NextPageToken = clients.Count > size ? PageToken.Write(clients[size - 1].ClientId.ToString(), request) : "",
        };
    }

    private async Task SaveAsync(string reason, string message, CancellationToken ct)
    {
        try
        {
            await db.SaveChangesAsync(ct);
        }
        catch (DbUpdateException e) when (e.IsUniqueViolation())
        {
            throw new AppException(StatusCode.AlreadyExists, reason, message);
        }
    }

    private static Rollcall.Api.Directory.V1.Msp ToProto(Data.Msp msp) =>
        new()
        {
            Id = msp.MspId.ToString(),
            DisplayName = msp.DisplayName,
            CreateTime = msp.CreatedAt.ToTimestamp(),
        };

    private static Rollcall.Api.Directory.V1.Client ToProto(Data.Client client, Data.Msp msp) =>
        new()
        {
            Id = client.ClientId.ToString(),
            MspId = client.MspId.ToString(),
            DisplayName = client.DisplayName,
            TimeZone = client.TimeZone,
            MspDisplayName = msp.DisplayName,
            LeaverAfterDays = client.LeaverAfterDays,
            RosterVersion = client.RosterVersion,
            CreateTime = client.CreatedAt.ToTimestamp(),
        };
}
