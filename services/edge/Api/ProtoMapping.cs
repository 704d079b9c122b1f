using Google.Protobuf.WellKnownTypes;
using Rollcall.Api.Identity.V1;

namespace Rollcall.Edge;

public static class ProtoMapping
{
    public static Operator ToProto(this Account account) =>
        new()
        {
            Id = account.Id.ToString(),
            OauthClientId = account.ClientId,
            MspId = account.MspId?.ToString() ?? "",
            DisplayName = account.DisplayName,
            Role = Roles.FromClaim(account.Role),
            Scopes = { account.Scopes },
            AllClients = account.VisibleClientIds is null,
            ClientIds = { (account.VisibleClientIds ?? []).Select(id => id.ToString()) },
            Disabled = account.DisabledAt is not null,
            CreateTime = account.CreatedAt.ToTimestamp(),
            LastUseTime = account.LastUsedAt?.ToTimestamp(),
        };
}
