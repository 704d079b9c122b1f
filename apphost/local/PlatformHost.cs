using Rollcall.Local.Processes;
using Rollcall.Local.Servers;

namespace Rollcall.Local;

/// <summary>The whole platform as plain processes: servers, emulator, migrations, services; and its end.</summary>
public sealed class PlatformHost(RunFolder folder, Output output, Options options)
{
    private const string Emulator = "graph-emulator";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);
    private static readonly string Dotnet =
        Path.GetFileName(Environment.ProcessPath) == "dotnet" ? Environment.ProcessPath! : "dotnet";
    private readonly ServerSet servers = new(folder, Output.Quiet(), options.Servers);
    private readonly ProcessGroup services = new(folder, output);

    public async Task<Endpoints> StartAsync(CancellationToken ct)
    {
        File.Delete(folder.In(Endpoints.FileName));
        var wanted = Topology
            .Services.Where(s => options.Only is [] || options.Only.Contains(s.Name, StringComparer.Ordinal))
            .ToList();
        var certificates = new Certificates(folder);
        var graph = options.Graph is null
            ? GraphSettings.Emulated(folder, certificates)
            : GraphSettings.External(options, certificates);

        var addresses = await servers.StartAsync(ct);
        var dashboard = await Dashboard.StartAsync(services, folder, ct);
        var settings = new ServiceSettings(folder, addresses, graph, dashboard?.Otlp);
        BootstrapClients.Write(folder, settings);
        await MigrateAsync(wanted, settings, ct);
        IEnumerable<ProcessSpec> emulator = options.Graph is null ? [EmulatorProcess(graph, certificates)] : [];
        await services.StartAsync([.. emulator, .. wanted.Select(s => Process(s, settings))], Patience, ct);

        var endpoints = EndpointsOf(wanted, settings, addresses, graph);
        folder.WritePrivate(
            Endpoints.FileName,
            System.Text.Json.JsonSerializer.Serialize(endpoints, Json.Readable) + "\n"
        );
        new Greeting(output).Say(endpoints, graph, folder, dashboard);
        return endpoints;
    }

    /// <summary>Ends within 15 s, whatever the children do.</summary>
    public async Task StopAsync()
    {
        File.Delete(folder.In(Endpoints.FileName));
        await services.StopAsync(TimeSpan.FromSeconds(8));
        await servers.StopAsync();
        await Leftovers.ClearAsync(folder.Path, TimeSpan.FromSeconds(1), CancellationToken.None);
    }

    // Each brings its own database up to date; two at a time, since starting costs a core for seconds.
    private Task MigrateAsync(List<Service> wanted, ServiceSettings settings, CancellationToken ct) =>
        Parallel.ForEachAsync(
            wanted,
            new ParallelOptions { MaxDegreeOfParallelism = 2, CancellationToken = ct },
            async (service, token) =>
            {
                var program = Checkout.Program(service.Project);
                var migration = new ProcessSpec($"{service.Name}-migrate", Dotnet, program, "--migrate")
                {
                    Environment = settings.ForMigration(service),
                };
                await Command.RunAsync(migration, folder, output, token);
            }
        );

    private static ProcessSpec Process(Service service, ServiceSettings settings) =>
        new(service.Name, Dotnet, Checkout.Program(service.Project))
        {
            Environment = settings.For(service),
            IsReadyAsync = Http.IsReady(settings.Http(service.Name)),
        };

    private ProcessSpec EmulatorProcess(GraphSettings graph, Certificates certificates)
    {
        var program = Checkout.Program("GraphEmulator");
        return new(Emulator, Dotnet, program)
        {
            Environment = new(StringComparer.Ordinal)
            {
                ["ASPNETCORE_ENVIRONMENT"] = "Development",
                ["ASPNETCORE_URLS"] = null,
                ["ConnectionStrings__postgres"] = null,
                ["DOTNET_CONTENTROOT"] = Path.GetDirectoryName(program),
                ["Kestrel__Endpoints__https__Url"] = graph.Url,
                ["Kestrel__Endpoints__https__Certificate__Path"] = certificates.TlsFile,
                ["Kestrel__Endpoints__https__Certificate__KeyPath"] = certificates.TlsKeyFile,
                ["Emulator__Apps__0__ClientId"] = graph.ClientId,
                ["Emulator__Apps__0__CertificateFile"] = graph.CertificateFile,
                ["Emulator__Seed"] = "demo",
                ["Emulator__StateFile"] = folder.In("graph.json"),
            },
            IsReadyAsync = Http.IsReady(graph.Url, Http.Client(graph.CaFile)),
        };
    }

    private Endpoints EndpointsOf(
        List<Service> wanted,
        ServiceSettings settings,
        ServerAddresses addresses,
        GraphSettings graph
    ) =>
        new()
        {
            Grpc = settings.Grpc(Topology.Edge),
            Http = settings.Http(Topology.Edge),
            Graph = graph.Url,
            Authority = graph.Authority,
            Mail = addresses.Mail.Folder,
            Postgres = addresses.Postgres,
            Redis = addresses.Redis,
            Rabbitmq = addresses.Rabbitmq,
            Token = $"{settings.Http(Topology.Edge)}/connect/token",
            Operators = new Dictionary<string, DemoCaller>(StringComparer.Ordinal)
            {
                [BootstrapClients.PlatformAdmin] = new(
                    BootstrapClients.PlatformAdmin,
                    settings.ClientSecret(BootstrapClients.PlatformAdmin)
                ),
            },
            Services = wanted.ToDictionary(s => s.Name, s => settings.Http(s.Name), StringComparer.Ordinal),
            GraphCa = graph.CaFile,
            RunFolder = folder.Path,
        };
}
