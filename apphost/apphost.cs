#:sdk Aspire.AppHost.Sdk@13.5.4
#:package Aspire.Hosting.PostgreSQL
#:package Aspire.Hosting.Redis
#:package Aspire.Hosting.RabbitMQ
#:package Aspire.Hosting.Docker
#:property AspireUseCliBundle=true
#:property RestorePackagesWithLockFile=false
#:property TreatWarningsAsErrors=false
#:project local/Local.csproj
#:project graph-emulator/GraphEmulator.csproj
#:project ../services/directory-sync/DirectorySync.csproj
#:project ../services/scope-rules/ScopeRules.csproj
#:project ../services/assignment/Assignment.csproj
#:project ../services/notification/Notification.csproj
#:project ../services/reporting/Reporting.csproj
#:project ../services/edge/Edge.csproj

// Rollcall under Aspire: the topology of apphost/local/Topology.cs. Servers are containers where a container runtime is
// present or the topology is published, and otherwise the native ones of apphost/local, as one resource.

using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

var builder = DistributedApplication.CreateBuilder(args);
var run = builder.ExecutionContext.IsRunMode;
var folder = Path.Combine(builder.AppHostDirectory, "..", ".run", "aspire");
if (!run)
{
    builder.AddDockerComposeEnvironment("compose");
}

var servers = run && !Servers.HasContainerRuntime() ? Servers.Native(builder, folder) : Servers.Containers(builder);
var platform = new Platform(builder, servers, folder);
platform.Add<Projects.DirectorySync>("directory-sync", "directory_sync");
platform.Add<Projects.ScopeRules>("scope-rules", "scope_rules");
platform.Add<Projects.Assignment>("assignment", "assignment");
platform.Add<Projects.Notification>("notification", "notification");
platform.Add<Projects.Reporting>("reporting", "reporting");
platform.Add<Projects.Edge>("edge", "edge");
platform.Connect();

builder.Build().Run();

/// <summary>The services with their migrations, and what each is told.</summary>
sealed class Platform(IDistributedApplicationBuilder builder, Servers servers, string folder)
{
    const string GraphApp = "c0ffee00-5eed-4000-8000-726f6c6c6361";
    readonly Dictionary<string, Service> services = [];
    bool Run => builder.ExecutionContext.IsRunMode;
    string Tls => Path.Combine(folder, "certificates", "tls");

    sealed record Service(
        IResourceBuilder<ProjectResource> Process,
        IResourceBuilder<ProjectResource> Migration,
        ParameterResource Secret
    );

    public void Add<TProject>(string name, string database)
        where TProject : IProjectMetadata, new()
    {
        var secret = Servers.Password(builder, $"{name}-secret");
        var app = Servers.Password(builder, $"{name}-app-password");
        var worker = Servers.Password(builder, $"{name}-worker-password");
        var migration = builder
            .AddProject<TProject>($"{name}-migrate")
            .WithArgs("--migrate")
            .WithEnvironment(c =>
            {
                AddCommon(c.EnvironmentVariables);
                c.EnvironmentVariables["ConnectionStrings__postgres"] = servers.Postgres;
            });
        var process = builder
            .AddProject<TProject>(name)
            .WithHttpEndpoint(name: "http")
            .WithHttpEndpoint(name: "grpc")
            .WithGrpcEndpoint()
            .WithEnvironment(c => AddCommon(c.EnvironmentVariables))
            .WithHttpHealthCheck("/health/ready", endpointName: "http");
        servers.Await(migration);
        servers.Await(process);
        services.Add(name, new(process, migration, secret));

        void AddCommon(Dictionary<string, object> v)
        {
            v["ASPNETCORE_ENVIRONMENT"] = Run ? "Development" : "Production";
            v["ConnectionStrings__database"] = servers.AsRole(database, "app", app);
            v["ConnectionStrings__worker"] = servers.AsRole(database, "worker", worker);
            v["ConnectionStrings__redis"] = servers.Redis;
            v["ConnectionStrings__rabbitmq"] = servers.RabbitMQ;
            v["Identity__Issuer"] = "https://rollcall.example/";
            v["Identity__ClientId"] = name;
            v["Identity__ClientSecret"] = secret;
            if (Run)
            {
                v["Clock__OffsetFile"] = Path.Combine(folder, "clock");
            }
        }
    }

    /// <summary>Once all are known: who finds whom, who waits for whom.</summary>
    public void Connect()
    {
        var edge = services["edge"].Process;
        foreach (var (name, service) in services)
        {
            foreach (var (other, target) in services)
            {
                // Every queue exists before the first event is published, whichever service starts first.
                service.Process.WaitForCompletion(target.Migration);
                if (other != name)
                {
                    service.Process.WithReference(target.Process.GetEndpoint("grpc"));
                    service.Process.WithReference(target.Process.GetEndpoint("http"));
                }
            }

            foreach (var process in new[] { service.Process, service.Migration })
            {
                process.WithEnvironment(c =>
                    c.EnvironmentVariables["Identity__Authority"] = ReferenceExpression.Create(
                        $"{edge.GetEndpoint("http").Property(EndpointProperty.Url)}"
                    )
                );
            }
        }

        services["notification"]
            .Process.WithEnvironment(c =>
            {
                c.EnvironmentVariables["Mail__Host"] = servers.MailHost;
                c.EnvironmentVariables["Mail__Port"] = servers.MailPort;
            });
        ConnectEdge();
        ConnectGraph();
    }

    void ConnectEdge()
    {
        var edge = services["edge"].Process.WithExternalHttpEndpoints();
        if (!Run)
        {
            edge.WithEnvironment("Edge__SigningKeys", builder.AddParameter("edge-signing-keys"));
            edge.WithEnvironment("Edge__Clients", builder.AddParameter("edge-clients"));
            return;
        }

        var clients = Path.Combine(folder, "clients.json");
        var admin = Servers.Password(builder, "platform-admin-secret");
        edge.WithEnvironment("Edge__SigningKeys", Directory.CreateDirectory(Path.Combine(folder, "keys")).FullName)
            .WithEnvironment("Edge__Clients", clients)
            .OnBeforeResourceStarted(
                async (resource, e, ct) =>
                {
                    var entries = new List<object>();
                    foreach (var (name, service) in services)
                    {
                        entries.Add(await EntryAsync(name, "service", service.Secret, ct));
                    }

                    entries.Add(await EntryAsync("platform-admin", "platform-admin", admin, ct));
                    await File.WriteAllTextAsync(clients, JsonSerializer.Serialize(entries), ct);
                    File.SetUnixFileMode(clients, UnixFileMode.UserRead | UnixFileMode.UserWrite);
                }
            );
    }

    static async Task<object> EntryAsync(string id, string kind, ParameterResource secret, CancellationToken ct) =>
        new
        {
            client_id = id,
            client_secret = await secret.GetValueAsync(ct),
            kind,
        };

    // In run mode the emulator is Graph; published, the real one, as an application the operator names.
    void ConnectGraph()
    {
        var sync = services["directory-sync"].Process;
        var edge = services["edge"].Process.GetEndpoint("http");
        sync.WithEnvironment(c =>
            c.EnvironmentVariables["Consent__RedirectUri"] = ReferenceExpression.Create(
                $"{edge.Property(EndpointProperty.Url)}/consent/callback"
            )
        );
        if (!Run)
        {
            sync.WithEnvironment("Graph__ClientId", builder.AddParameter("graph-client-id"));
            sync.WithEnvironment("Graph__CertificateFile", builder.AddParameter("graph-certificate-file"));
            sync.WithEnvironment("Hints__PublicUrl", builder.AddParameter("hints-public-url"));
            return;
        }

        var certificates = builder
            .AddProject<Projects.Local>("certificates")
            .WithArgs("certificates", "--dir", Path.Combine(folder, "certificates"));
        var emulator = AddEmulator(certificates);
        var graph = ReferenceExpression.Create(
            $"https://localhost:{emulator.GetEndpoint("graph").Property(EndpointProperty.Port)}"
        );
        sync.WaitForCompletion(certificates)
            .WaitFor(emulator)
            .WithEnvironment(c =>
            {
                c.EnvironmentVariables["Graph__BaseUrl"] = ReferenceExpression.Create($"{graph}/v1.0");
                c.EnvironmentVariables["Graph__Authority"] = graph;
                c.EnvironmentVariables["Graph__CaFile"] = Path.Combine(Tls, "ca.pem");
                c.EnvironmentVariables["Graph__ClientId"] = GraphApp;
                c.EnvironmentVariables["Graph__CertificateFile"] = Path.Combine(Tls, "app.pem");

                // The emulator reaches edge as everybody on this machine does.
                c.EnvironmentVariables["Hints__PublicUrl"] = ReferenceExpression.Create(
                    $"{edge.Property(EndpointProperty.Url)}"
                );
            });
    }

    IResourceBuilder<ProjectResource> AddEmulator(IResourceBuilder<ProjectResource> certificates)
    {
        // A plain tcp endpoint: the emulator brings its own certificate, Aspire is not to give it another.
        var emulator = builder
            .AddProject<Projects.GraphEmulator>("graph-emulator")
            .WithEndpoint(name: "graph", scheme: "tcp");
        var port = emulator.GetEndpoint("graph").Property(EndpointProperty.TargetPort);
        return emulator
            .WaitForCompletion(certificates)
            .WithEnvironment(c =>
            {
                var v = c.EnvironmentVariables;
                v["ASPNETCORE_ENVIRONMENT"] = "Development";
                v["Kestrel__Endpoints__https__Url"] = ReferenceExpression.Create($"https://localhost:{port}");
                v["Kestrel__Endpoints__https__Certificate__Path"] = Path.Combine(Tls, "graph.pem");
                v["Kestrel__Endpoints__https__Certificate__KeyPath"] = Path.Combine(Tls, "graph.key");
                v["Emulator__Apps__0__ClientId"] = GraphApp;
                v["Emulator__Apps__0__CertificateFile"] = Path.Combine(Tls, "app.pem");
                v["Emulator__Seed"] = "demo";
                v["Emulator__StateFile"] = Path.Combine(folder, "graph.json");
            });
    }
}

/// <summary>Postgres, Redis, RabbitMQ and a place for mail, whatever they run as.</summary>
sealed record Servers(
    ReferenceExpression PostgresServer,
    ParameterResource PostgresPassword,
    ReferenceExpression Redis,
    ReferenceExpression RabbitMQ,
    object MailHost,
    object MailPort,
    IReadOnlyList<IResourceBuilder<IResource>> Resources
)
{
    public ReferenceExpression Postgres =>
        ReferenceExpression.Create($"{PostgresServer};Username=postgres;Password={PostgresPassword}");

    public ReferenceExpression AsRole(string database, string role, ParameterResource password) =>
        ReferenceExpression.Create(
            $"{PostgresServer};Database={database};Username={database}_{role};Password={password};Maximum Pool Size=40"
        );

    public void Await(IResourceBuilder<ProjectResource> project)
    {
        foreach (var resource in Resources)
        {
            project.WaitFor(resource);
        }
    }

    public static Servers Native(IDistributedApplicationBuilder builder, string folder)
    {
        var (postgresPassword, rabbitPassword) = (
            Password(builder, "postgres-password"),
            Password(builder, "rabbitmq-password")
        );
        var ready = Path.Combine(folder, "servers.json");
        var servers = builder.AddProject<Projects.Local>("servers");
        string[] names = ["postgres", "redis", "rabbitmq", "mail"];
        foreach (var name in names)
        {
            servers.WithEndpoint(name: name, scheme: "tcp");
        }

        servers
            .WithArgs(c =>
            {
                foreach (var arg in new[] { "servers", "--dir", Path.Combine(folder, "servers"), "--out", ready })
                {
                    c.Args.Add(arg);
                }

                foreach (var name in names)
                {
                    c.Args.Add($"--{name}-port");
                    c.Args.Add(servers.GetEndpoint(name).Property(EndpointProperty.TargetPort));
                }
            })
            .WithEnvironment(c =>
            {
                c.EnvironmentVariables["ROLLCALL_POSTGRES_PASSWORD"] = postgresPassword;
                c.EnvironmentVariables["ROLLCALL_RABBITMQ_PASSWORD"] = rabbitPassword;
            })
            .OnBeforeResourceStarted(
                (resource, e, ct) =>
                {
                    Directory.CreateDirectory(folder);
                    File.Delete(ready);
                    return Task.CompletedTask;
                }
            )
            .WithHealthCheck(AddFileCheck(builder, ready));
        var (pg, redis, mq, mail) = (At("postgres"), At("redis"), At("rabbitmq"), At("mail"));
        return new(
            ReferenceExpression.Create($"Host={Host(pg)};Port={Port(pg)}"),
            postgresPassword,
            ReferenceExpression.Create($"{Host(redis)}:{Port(redis)}"),
            ReferenceExpression.Create($"amqp://rollcall:{rabbitPassword}@{Host(mq)}:{Port(mq)}"),
            ReferenceExpression.Create($"{Host(mail)}"),
            ReferenceExpression.Create($"{Port(mail)}"),
            [servers]
        );

        EndpointReference At(string name) => servers.GetEndpoint(name);
        static EndpointReferenceExpression Host(EndpointReference e) => e.Property(EndpointProperty.IPV4Host);
        static EndpointReferenceExpression Port(EndpointReference e) => e.Property(EndpointProperty.Port);
    }

    public static Servers Containers(IDistributedApplicationBuilder builder)
    {
        var postgres = builder.AddPostgres("postgres").WithArgs("-c", "max_connections=400");
        var redis = builder.AddRedis("redis");
        var rabbit = builder.AddRabbitMQ("rabbitmq");
        if (builder.ExecutionContext.IsRunMode)
        {
            postgres.WithDataVolume();
            rabbit.WithDataVolume();
        }

        var endpoint = postgres.Resource.PrimaryEndpoint;
        var server = ReferenceExpression.Create(
            $"Host={endpoint.Property(EndpointProperty.Host)};Port={endpoint.Property(EndpointProperty.Port)}"
        );
        var (host, port) = Mail(builder);
        return new(
            server,
            postgres.Resource.PasswordParameter,
            redis.Resource.ConnectionStringExpression,
            rabbit.Resource.ConnectionStringExpression,
            host,
            port,
            [postgres, redis, rabbit]
        );
    }

    public static ParameterResource Password(IDistributedApplicationBuilder builder, string name) =>
        ParameterResourceBuilderExtensions.CreateDefaultPasswordParameter(builder, name, special: false);

    /// <summary>Installed is not enough: the daemon must answer.</summary>
    public static bool HasContainerRuntime() => Answers("docker") || Answers("podman");

    // Nothing is sent on while developing; published, the operator names the mail server.
    static (object Host, object Port) Mail(IDistributedApplicationBuilder builder)
    {
        if (!builder.ExecutionContext.IsRunMode)
        {
            return (builder.AddParameter("mail-host").Resource, builder.AddParameter("mail-port").Resource);
        }

        var smtp = builder
            .AddContainer("mail", "axllent/mailpit")
            .WithEndpoint(name: "smtp", scheme: "tcp", targetPort: 1025)
            .WithHttpEndpoint(name: "http", targetPort: 8025)
            .GetEndpoint("smtp");
        return (
            ReferenceExpression.Create($"{smtp.Property(EndpointProperty.Host)}"),
            ReferenceExpression.Create($"{smtp.Property(EndpointProperty.Port)}")
        );
    }

    static string AddFileCheck(IDistributedApplicationBuilder builder, string file)
    {
        builder
            .Services.AddHealthChecks()
            .AddCheck(
                "servers_ready",
                () => File.Exists(file) ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy("still starting")
            );
        return "servers_ready";
    }

    static bool Answers(string runtime)
    {
        try
        {
            using var process = Process.Start(
                new ProcessStartInfo(runtime, ["info"])
                {
                    UseShellExecute = false,
                    RedirectStandardOutput = true,
                    RedirectStandardError = true,
                }
            )!;
            process.OutputDataReceived += (_, _) => { };
            process.ErrorDataReceived += (_, _) => { };
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            return process.WaitForExit(TimeSpan.FromSeconds(10)) && process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false; // not installed
        }
    }
}

static class GrpcEndpoints
{
    /// <summary>Cleartext gRPC needs its own HTTP/2-only port next to the HTTP/1.1 one.</summary>
    public static IResourceBuilder<ProjectResource> WithGrpcEndpoint(this IResourceBuilder<ProjectResource> project)
    {
        EndpointReference http = project.GetEndpoint("http"),
            grpc = project.GetEndpoint("grpc");
        return project
            .WithEndpointsInEnvironment(_ => false)
            .WithEnvironment(c =>
            {
                c.EnvironmentVariables["Kestrel__Endpoints__http__Url"] = ReferenceExpression.Create(
                    $"http://*:{http.Property(EndpointProperty.TargetPort)}"
                );
                c.EnvironmentVariables["Kestrel__Endpoints__grpc__Url"] = ReferenceExpression.Create(
                    $"http://*:{grpc.Property(EndpointProperty.TargetPort)}"
                );
                c.EnvironmentVariables["Kestrel__Endpoints__grpc__Protocols"] = "Http2";
            });
    }
}
