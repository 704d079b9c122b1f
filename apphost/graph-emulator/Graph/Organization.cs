using System.Text.RegularExpressions;
using Rollcall.GraphEmulator.Model;

namespace Rollcall.GraphEmulator.Graph;

/// <summary>The tenant's own record and the permissions granted to an application.</summary>
public static partial class Organization
{
    public static GraphAnswer Answer(GraphCall call)
    {
        call.Require("Organization.Read.All", "Directory.Read.All");
        var tenant = call.Tenant;
        return GraphAnswer.Json(writer =>
        {
            Reads.Context(writer, call, "organization");
            writer.WriteStartArray(ObjectWriter.Value);
            writer.WriteStartObject();
            writer.WriteString(ObjectWriter.Id, tenant.Id);
            writer.WriteString("displayName", tenant.Name);
            writer.WriteString("tenantType", "AAD");
            writer.WriteString("createdDateTime", tenant.CreatedAt.UtcDateTime);
            writer.WriteStartArray("verifiedDomains");
            writer.WriteStartObject();
            writer.WriteString("name", tenant.Domain);
            writer.WriteString("type", "Managed");
            writer.WriteString("capabilities", "Email, OfficeCommunicationsOnline");
            writer.WriteBoolean("isDefault", value: true);
            writer.WriteBoolean("isInitial", value: true);
            writer.WriteEndObject();
            writer.WriteEndArray();
            writer.WriteEndObject();
            writer.WriteEndArray();
        });
    }

    /// <summary>The application id in <c>servicePrincipals(appId='…')</c>.</summary>
    public static string? AppIdOf(string segment) =>
        ByAppId().Match(segment) is { Success: true } m ? m.Groups["id"].Value : null;

    public static GraphAnswer AppRoleAssignments(GraphCall call, string appId)
    {
        call.Require("Application.Read.All", "Directory.Read.All");
        var principal = call.Tenant.ServicePrincipals.GetValueOrDefault(appId);
        if (principal is null or { Deleted: true })
        {
            throw GraphException.NotFound(appId);
        }

        return GraphAnswer.Json(writer =>
        {
            Reads.Context(writer, call, "appRoleAssignments");
            writer.WriteStartArray(ObjectWriter.Value);
            foreach (var (permission, at) in principal.Granted)
            {
                writer.WriteStartObject();
                writer.WriteString(ObjectWriter.Id, $"{principal.Id:N}-{permission}");
                writer.WriteString("appRoleId", GraphPermissions.Roles.GetValueOrDefault(permission));
                writer.WriteString("createdDateTime", at.UtcDateTime);
                writer.WriteString("principalDisplayName", "Rollcall");
                writer.WriteString("principalId", principal.Id);
                writer.WriteString("principalType", "ServicePrincipal");
                writer.WriteString("resourceDisplayName", "Microsoft Graph");
                writer.WriteString("resourceId", call.Tenant.Id);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        });
    }

    [GeneratedRegex(
        "^servicePrincipals\\(appId='(?<id>[^']+)'\\)$",
        RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture,
        1000
    )]
    private static partial Regex ByAppId();
}
