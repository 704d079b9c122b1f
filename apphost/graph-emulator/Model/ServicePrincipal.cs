namespace Rollcall.GraphEmulator.Model;

/// <summary>An application's presence in a tenant: exists from consent on and carries the granted permissions.</summary>
public sealed class ServicePrincipal(string clientId)
{
    public string ClientId => clientId;
    public Guid Id { get; init; } = Guid.CreateVersion7();
    public bool Enabled { get; set; } = true;
    public bool Deleted { get; set; }

    /// <summary>Permission name → when it was granted, on the machine's clock.</summary>
    public Dictionary<string, DateTimeOffset> Granted { get; } = new(StringComparer.Ordinal);
}

/// <summary>A registered multi-tenant application: the same in every tenant.</summary>
public sealed class AppRegistration
{
    public required string ClientId { get; init; }
    public string? Secret { get; set; }
    public bool SecretExpired { get; set; }
    public List<System.Security.Cryptography.X509Certificates.X509Certificate2> Certificates { get; } = [];

    /// <summary>What admin consent with /.default grants.</summary>
    public List<string> Permissions { get; set; } = ["User.Read.All", "GroupMember.Read.All"];
}

/// <summary>App-role ids of Microsoft Graph's application permissions.</summary>
public static class GraphPermissions
{
    public const string GraphAppId = "00000003-0000-0000-c000-000000000000";

    public static readonly IReadOnlyDictionary<string, string> Roles = new Dictionary<string, string>(
        StringComparer.Ordinal
    )
    {
        ["User.Read.All"] = "df021288-bdef-4463-88db-98f22de89214",
        ["GroupMember.Read.All"] = "98830695-27a2-44f7-8c18-0c3ebc9698f6",
        ["Group.Read.All"] = "5b567255-7703-4780-807c-7be8301ae99b",
        ["MailboxSettings.Read"] = "40f97065-369a-49f4-947c-6a255697ae91",
        ["AuditLog.Read.All"] = "b0afded3-3588-46d8-8b3d-9842eff778da",
        ["User-LifeCycleInfo.Read.All"] = "8556a004-db57-4d7a-8b82-97a13428e96f",
        ["Organization.Read.All"] = "498476ce-e0fe-48b0-b801-37ba7e2685c6",
        ["Application.Read.All"] = "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30",
        ["AdministrativeUnit.Read.All"] = "134fd756-38ce-4afd-ba33-e9623dbe66c2",
        ["Directory.Read.All"] = "7ab1d382-f21e-4acd-a863-ba3e13f7da61",
    };
}
