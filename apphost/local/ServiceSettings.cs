using Rollcall.Local.Servers;

namespace Rollcall.Local;

/// <summary>The environment of each service process: where everything is, who it is, what it may know.</summary>
public sealed class ServiceSettings(RunFolder folder, ServerAddresses servers, GraphSettings graph, string? otlp)
{
    public static string Issuer => "https://rollcall.example/";

    public string Http(string service) => $"http://127.0.0.1:{folder.Port($"{service}-http")}";

    public string Grpc(string service) => $"http://127.0.0.1:{folder.Port($"{service}-grpc")}";

    /// <summary>For <c>--migrate</c>, which alone is given the server's administrator.</summary>
    public Dictionary<string, string?> ForMigration(Service service)
    {
        var settings = For(service);
        settings["ConnectionStrings__postgres"] = servers.Postgres;
        return settings;
    }

    public Dictionary<string, string?> For(Service service)
    {
        var settings = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
            ["DOTNET_ENVIRONMENT"] = "Development",
            ["DOTNET_CONTENTROOT"] = Path.GetDirectoryName(Checkout.Program(service.Project)),
            ["ASPNETCORE_URLS"] = null,
            ["ConnectionStrings__database"] = AsRole(service, "app", pool: 40),
            ["ConnectionStrings__worker"] = AsRole(service, "worker", pool: 15),
            ["ConnectionStrings__postgres"] = null,
            ["ConnectionStrings__rabbitmq"] = servers.Rabbitmq,
            ["ConnectionStrings__redis"] = servers.Redis,
            ["Kestrel__Endpoints__http__Url"] = Http(service.Name),
            ["Kestrel__Endpoints__grpc__Url"] = Grpc(service.Name),
            ["Kestrel__Endpoints__grpc__Protocols"] = "Http2",
            ["Identity__Issuer"] = Issuer,
            ["Identity__Authority"] = Http(Topology.Edge),
            ["Identity__ClientId"] = service.Name,
            ["Identity__ClientSecret"] = ClientSecret(service.Name),
            ["Clock__OffsetFile"] = ClockOffset.File(folder.Path),
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = otlp,
            ["OTEL_SERVICE_NAME"] = service.Name,
        };
        foreach (var other in Topology.Services)
        {
            settings[$"services__{other.Name}__http__0"] = Http(other.Name);
            settings[$"services__{other.Name}__grpc__0"] = Grpc(other.Name);
        }

        AddOwn(service.Name, settings);
        return settings;
    }

    public string ClientSecret(string client) => folder.Secret($"client-{client}");

    private void AddOwn(string service, Dictionary<string, string?> settings)
    {
        switch (service)
        {
            case "directory-sync":
                settings["Graph__BaseUrl"] = $"{graph.Url}/v1.0";
                settings["Graph__Authority"] = graph.Authority;
                settings["Graph__CaFile"] = graph.CaFile;
                settings["Graph__ClientId"] = graph.ClientId;
                settings["Graph__CertificateFile"] = graph.CertificateFile;
                settings["Consent__RedirectUri"] = $"{Http(Topology.Edge)}/consent/callback";
                settings["Hints__PublicUrl"] = HintsUrl();
                break;
            case "notification":
                settings["Mail__Host"] = servers.Mail.Host;
                settings["Mail__Port"] = $"{servers.Mail.Port}";
                break;
            case Topology.Edge:
                settings["Edge__SigningKeys"] = Directory.CreateDirectory(folder.In("signing-keys")).FullName;
                settings["Edge__Clients"] = folder.In(BootstrapClients.FileName);
                break;
        }
    }

    /// <summary>A Graph on this machine reaches edge as we do; the real one needs the address somebody has opened for it.</summary>
    private string? HintsUrl() =>
        Environment.GetEnvironmentVariable("Hints__PublicUrl") is { Length: > 0 } url ? url
        : new Uri(graph.Url).IsLoopback ? Http(Topology.Edge)
        : null;

    private string AsRole(Service service, string role, int pool)
    {
        var user = $"{service.Database}_{role}";
        return new Npgsql.NpgsqlConnectionStringBuilder(servers.Postgres)
        {
            Database = service.Database,
            Username = user,
            Password = folder.Secret($"postgres-{user}"),
            MaxPoolSize = pool, // six services with both stay below the server's max_connections
        }.ConnectionString;
    }
}
