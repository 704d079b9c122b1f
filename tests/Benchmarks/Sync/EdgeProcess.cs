using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Rollcall.Edge;
using Rollcall.Platform;
using Rollcall.Testing;

namespace Rollcall.Benchmarks.Sync;

/// <summary>edge as a process of its own, in front of directory-sync.</summary>
public sealed class EdgeProcess : IAsyncDisposable
{
    private const string Secret = "edge-secret";
    private readonly string database = TestServers.NewDatabase("edge");
    private readonly string folder = Directory.CreateTempSubdirectory("rollcall-bench-edge-").FullName;
    private Process? process;

    public string Http { get; } = Address();
    public string DirectorySyncGrpc { get; } = Address();

    /// <summary>Returns when it answers.</summary>
    public async Task StartAsync()
    {
        await new DatabaseProvisioner(
            TestServers.Postgres,
            TestServers.As(database, "app"),
            TestServers.As(database, "worker")
        ).ProvisionAsync<EdgeDbContext>(o => new(o), CancellationToken.None);
        object[] clients =
        [
            new
            {
                client_id = "edge",
                client_secret = Secret,
                kind = "service",
            },
        ];
        await File.WriteAllTextAsync(Path.Combine(folder, "clients.json"), JsonSerializer.Serialize(clients));
        var program = typeof(CallLimits).Assembly.Location;
        var start = new ProcessStartInfo("dotnet", program)
        {
            WorkingDirectory = Path.GetDirectoryName(program),
            UseShellExecute = false,
            RedirectStandardOutput = true,
        };
        foreach (var (key, value) in Settings())
        {
            start.Environment[key] = value;
        }

        process = Process.Start(start)!;
        process.OutputDataReceived += (_, line) => Console.Error.WriteLine(line.Data);
        process.BeginOutputReadLine();
        using var http = new HttpClient();
        await Eventually.HoldsAsync(
            async () => (await http.GetAsync(new Uri($"{Http}/health/live"))).EnsureSuccessStatusCode(),
            TimeSpan.FromSeconds(60)
        );
    }

    public async ValueTask DisposeAsync()
    {
        if (process is not null)
        {
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
        }

        await TestServers.DropAsync(database);
        Directory.Delete(folder, recursive: true);
    }

    private Dictionary<string, string> Settings() =>
        new(StringComparer.Ordinal)
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
            ["ConnectionStrings__database"] = TestServers.As(database, "app"),
            ["ConnectionStrings__worker"] = TestServers.As(database, "worker"),
            ["ConnectionStrings__rabbitmq"] = TestServers.RabbitMq,
            ["Kestrel__Endpoints__http__Url"] = Http,
            ["Kestrel__Endpoints__grpc__Url"] = Address(),
            ["Kestrel__Endpoints__grpc__Protocols"] = "Http2",
            ["Identity__Issuer"] = TestTokens.Issuer,
            ["Identity__Authority"] = Http,
            ["Identity__ClientId"] = "edge",
            ["Identity__ClientSecret"] = Secret,
            ["Edge__SigningKeys"] = Path.Combine(folder, "keys"),
            ["Edge__Clients"] = Path.Combine(folder, "clients.json"),
            ["services__directory-sync__grpc__0"] = DirectorySyncGrpc,
        };

    private static string Address()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}";
    }
}
