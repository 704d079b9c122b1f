using Rollcall.Api.Options.V1;
using Rollcall.Platform;

namespace Rollcall.Edge;

/// <summary>The values of the role claim.</summary>
public static class Roles
{
    public const string PlatformAdmin = "platform-admin";
    public const string MspAdmin = "msp-admin";

    private static readonly Dictionary<string, Role> Operators = new(StringComparer.Ordinal)
    {
        [PlatformAdmin] = Role.PlatformAdmin,
        [MspAdmin] = Role.MspAdmin,
        ["msp-technician"] = Role.MspTechnician,
        ["client-viewer"] = Role.ClientViewer,
        ["client-approver"] = Role.ClientApprover,
    };

    public static bool IsKnown(string claim) =>
        claim is Caller.ServiceRole or Caller.PartnerRole || Operators.ContainsKey(claim);

    /// <summary>True for whoever belongs to one MSP.</summary>
    public static bool IsOfMsp(string claim) => claim is not (PlatformAdmin or Caller.ServiceRole);

    public static string ToClaim(Role role) => Operators.Single(o => o.Value == role).Key;

    /// <summary>Unspecified for services and partners.</summary>
    public static Role FromClaim(string claim) => Operators.GetValueOrDefault(claim, Role.Unspecified);
}
