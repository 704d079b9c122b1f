using System.Text.Json;

namespace Rollcall.Local;

/// <summary>The callers edge knows from the start: every service, and the platform's first administrator.</summary>
public static class BootstrapClients
{
    public const string FileName = "clients.json";
    public const string PlatformAdmin = "platform-admin";

    public static void Write(RunFolder folder, ServiceSettings settings)
    {
        var clients = Topology
            .Services.Select(s => Entry(s.Name, "service"))
            .Append(Entry(PlatformAdmin, PlatformAdmin));
        folder.WritePrivate(FileName, JsonSerializer.Serialize(clients, Json.Readable));

        object Entry(string id, string kind) =>
            new
            {
                ClientId = id,
                ClientSecret = settings.ClientSecret(id),
                Kind = kind,
            };
    }
}
