using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using Rollcall.Platform;
using Rollcall.Testing;

[assembly: AssemblyFixture(typeof(Rollcall.Edge.Tests.EdgeFixture))]

namespace Rollcall.Edge.Tests;

/// <summary>Edge on a real database and real ports, with a backend behind it.</summary>
public sealed class EdgeFixture : IAsyncLifetime
{
    public static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(4);

    public static readonly Uri TokenPath = new(OpenIdServer.TokenPath, UriKind.Relative);

    private readonly string database = TestServers.NewDatabase("edge");
    private readonly string folder = Directory.CreateTempSubdirectory("rollcall-edge-").FullName;
    private readonly Dictionary<string, object> bootstrap = new(StringComparer.Ordinal);

    public string DatabaseName => database;
    public FakeTimeProvider Clock { get; } = new(TimeProvider.System.GetUtcNow());
    public Backend Backend { get; private set; } = null!;
    public EdgeServer Edge { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        await ProvisionAsync(database);
        var settings = Settings();
        Backend = new(settings["Identity:Authority"]!);
        await Backend.StartAsync();
        WriteBootstrap(
            new
            {
                client_id = "edge",
                client_secret = "edge-secret",
                kind = "service",
            },
            new
            {
                client_id = "platform",
                client_secret = "platform-secret",
                kind = "platform-admin",
            }
        );
        settings["services:directory-sync:grpc:0"] = Backend.Url;
        Edge = new(Clock, settings);
    }

    public static Task ProvisionAsync(string name) =>
        new DatabaseProvisioner(
            TestServers.Postgres,
            TestServers.As(name, "app"),
            TestServers.As(name, "worker")
        ).ProvisionAsync<EdgeDbContext>(o => new(o), CancellationToken.None);

    /// <summary>Another edge on the same database and keys, with some settings changed or (null) removed.</summary>
    public EdgeServer Start(params (string Key, string? Value)[] changes)
    {
        var settings = Settings();
        settings["services:directory-sync:grpc:0"] = Backend.Url;
        foreach (var (key, value) in changes)
        {
            settings[key] = value;
            if (value is null)
            {
                settings.Remove(key);
            }
        }

        return new(Clock, settings);
    }

    /// <summary>Writes entries of the bootstrap file; those of earlier calls stay in it.</summary>
    public void WriteBootstrap(params object[] entries)
    {
        foreach (var entry in entries)
        {
            bootstrap[JsonSerializer.SerializeToElement(entry).GetProperty("client_id").GetString()!] = entry;
        }

        File.WriteAllText(Path.Combine(folder, "clients.json"), JsonSerializer.Serialize(bootstrap.Values));
    }

    /// <summary>A new account as IdentityService would leave it.</summary>
    public async Task<(string ClientId, string Secret)> AddAccountAsync(
        string role,
        Guid? msp,
        IReadOnlyList<Guid>? clients = null,
        params string[] scopes
    )
    {
        var clientId = $"{role}-{Guid.CreateVersion7():N}";
        var secret = Accounts.NewSecret();
        await Edge.AccountsAsync(
            async (accounts, db) =>
            {
                var account = await accounts.NewAsync(clientId, secret, role, requestId: null, CancellationToken.None);
                account.DisplayName = clientId;
                account.MspId = msp;
                account.VisibleClientIds = clients is null ? null : [.. clients];
                account.Scopes = [.. scopes];
                db.Accounts.Add(account);
                await db.SaveChangesAsync();
            }
        );
        return (clientId, secret);
    }

    /// <summary>The access token of a new account.</summary>
    public async Task<string> TokenAsync(
        string role,
        Guid? msp,
        IReadOnlyList<Guid>? clients = null,
        params string[] scopes
    )
    {
        var (clientId, secret) = await AddAccountAsync(role, msp, clients, scopes);
        return await TokenOfAsync(clientId, secret);
    }

    public async Task<string> TokenOfAsync(string clientId, string secret, EdgeServer? edge = null)
    {
        using var answer = await AskForTokenAsync(clientId, secret, edge: edge);
        answer.EnsureSuccessStatusCode();
        return (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("access_token").GetString()!;
    }

    public Task<HttpResponseMessage> AskForTokenAsync(
        string clientId,
        string secret,
        string? scope = null,
        EdgeServer? edge = null
    )
    {
        return (edge ?? Edge).Http.PostAsync(TokenPath, Form(clientId, secret, scope));
    }

    public static FormUrlEncodedContent Form(string clientId, string secret, string? scope = null)
    {
        var form = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["grant_type"] = "client_credentials",
            ["client_id"] = clientId,
            ["client_secret"] = secret,
        };
        if (scope is not null)
        {
            form["scope"] = scope;
        }

        return new(form);
    }

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public async ValueTask DisposeAsync()
    {
        await Edge.DisposeAsync();
        await Backend.DisposeAsync();
        await TestServers.DropAsync(database);
        Directory.Delete(folder, recursive: true);
    }

    private Dictionary<string, string?> Settings()
    {
        var http = $"http://127.0.0.1:{FreePort()}";
        return new(StringComparer.Ordinal)
        {
            ["ConnectionStrings:database"] = TestServers.As(database, "app"),
            ["ConnectionStrings:worker"] = TestServers.As(database, "worker"),
            ["ConnectionStrings:rabbitmq"] = TestServers.RabbitMq,
            ["Kestrel:Endpoints:http:Url"] = http,
            ["Kestrel:Endpoints:grpc:Url"] = $"http://127.0.0.1:{FreePort()}",
            ["Kestrel:Endpoints:grpc:Protocols"] = "Http2",
            ["Identity:Issuer"] = TestTokens.Issuer,
            ["Identity:Authority"] = http,
            ["Identity:ClientId"] = "edge",
            ["Identity:ClientSecret"] = "edge-secret",
            ["Edge:SigningKeys"] = Path.Combine(folder, "keys"),
            ["Edge:Clients"] = Path.Combine(folder, "clients.json"),
            ["Edge:Limits:CallTimeout"] = CallTimeout.ToString("c"),
        };
    }
}
