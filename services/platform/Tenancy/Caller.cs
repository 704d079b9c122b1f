using System.Security.Claims;
using Rollcall.Api.Options.V1;

namespace Rollcall.Platform;

/// <summary>Who calls, as the access token says.</summary>
public sealed record Caller(
    string Subject,
    Role Role,
    Guid? MspId,
    IReadOnlyList<Guid>? ClientIds,
    bool IsService,
    IReadOnlyList<string> Scopes
)
{
    /// <summary>Claims of Rollcall's access tokens. A client list of "*" means every client of the MSP.</summary>
    public static class Claims
    {
        public const string Subject = "sub";
        public const string Role = "rc_role";
        public const string Msp = "rc_msp";
        public const string Clients = "rc_clients";
        public const string Scope = "scope";
    }

    /// <summary>Value of the role claim in a service's token.</summary>
    public const string ServiceRole = "service";

    /// <summary>Value of the role claim in a partner's token: its scopes decide.</summary>
    public const string PartnerRole = "partner";

    public static Caller From(ClaimsPrincipal user)
    {
        var role = user.FindFirstValue(Claims.Role) ?? "";
        var clients = user.FindAll(Claims.Clients).Select(c => c.Value).ToList();
        return new(
            user.FindFirstValue(Claims.Subject) ?? "",
            role switch
            {
                "platform-admin" => Role.PlatformAdmin,
                "msp-admin" => Role.MspAdmin,
                "msp-technician" => Role.MspTechnician,
                "client-viewer" => Role.ClientViewer,
                "client-approver" => Role.ClientApprover,
                _ => Role.Unspecified,
            },
            Guid.TryParse(user.FindFirstValue(Claims.Msp), out var msp) ? msp : null,
            clients is ["*"] ? null : [.. clients.Select(Guid.Parse)],
            role == ServiceRole,
            [.. user.FindAll(Claims.Scope).SelectMany(c => c.Value.Split(' ', StringSplitOptions.RemoveEmptyEntries))]
        );
    }

    public bool Satisfies(Access access) =>
        (IsService && access.Services)
        || (Role != Role.Unspecified && access.Roles.Contains(Role))
        || access.Scopes.Any(Scopes.Contains);
}
