using System.Diagnostics;
using System.Globalization;
using Npgsql;
using Rollcall.DirectorySync.Api;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Tests;
using Rollcall.Platform;
using Rollcall.Testing;

namespace Rollcall.Benchmarks.Sync;

/// <summary>directory-sync as a process of its own, on a database of its own.</summary>
public sealed class Service : IAsyncDisposable
{
    private readonly string name;
    private readonly Cloud cloud;
    private readonly Dictionary<string, string?> settings;
    private readonly EventSink bus = new();
    private Process? process;

    private Service(string name, Cloud cloud, Dictionary<string, string?> settings)
    {
        this.name = name;
        this.cloud = cloud;
        this.settings = settings;
        Database = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(TestServers.Postgres) { Database = name }.ConnectionString
        );
    }

    /// <summary>As the database's owner sees it: all tenants.</summary>
    public NpgsqlDataSource Database { get; }

    /// <summary>Connection string of the scheduler's role.</summary>
    public string Worker => TestServers.As(name, "worker");

    public int ProcessId => process!.Id;

    /// <summary>Nothing runs yet; events will have a queue to go to.</summary>
    public static async Task<Service> CreateAsync(Cloud cloud, Dictionary<string, string?>? settings = null)
    {
        var database = TestServers.NewDatabase("bench");
        await new DatabaseProvisioner(
            TestServers.Postgres,
            TestServers.As(database, "app"),
            TestServers.As(database, "worker")
        ).ProvisionAsync<DirectoryDbContext>(o => new(o), CancellationToken.None);
        var service = new Service(database, cloud, settings ?? []);
        await service.bus.StartAsync(TestServers.RabbitMq, keep: false);
        return service;
    }

    public void Start()
    {
        var start = new ProcessStartInfo("dotnet", typeof(ClientApi).Assembly.Location)
        {
            WorkingDirectory = Path.GetDirectoryName(typeof(ClientApi).Assembly.Location),
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
    }

    /// <summary>A small directory once: code is compiled, connections are open.</summary>
    public async Task WarmUpAsync()
    {
        var tenant = cloud.Add(300, groups: 5, links: 300);
        var client = await AddClientAsync(tenant.Id);
        await SyncAsync(client);
        await SyncAsync(client);
        cloud.Remove(tenant);
    }

    /// <summary>Resident memory, in MB.</summary>
    /// <param name="field">VmHWM (the most ever) or VmRSS (now).</param>
    public double Memory(string field = "VmHWM")
    {
        var line = File.ReadLines($"/proc/{process!.Id}/status")
            .First(l => l.StartsWith(field, StringComparison.Ordinal));
        return int.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture)
            / 1024d;
    }

    /// <summary>Processor time so far: unlike the clock's it hardly depends on what else the machine does.</summary>
    public TimeSpan Processor()
    {
        process!.Refresh();
        return process.TotalProcessorTime;
    }

    /// <summary>A client with that directory, not due before <see cref="SyncAsync"/>.</summary>
    public async Task<Guid> AddClientAsync(Guid directory)
    {
        var (msp, client) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await ExecuteAsync(
            $"""
            insert into msp (msp_id, display_name, created_at) values ('{msp}', 'MSP {msp}', now());
            insert into client (client_id, msp_id, display_name, time_zone, leaver_after_days, roster_version, revision, created_at)
              values ('{client}', '{msp}', 'Bench', 'Etc/UTC', 30, 0, 1, now());
            insert into client_sync (msp_id, client_id, directory_tenant_id, every, priority, disabled, fence, failures,
              cursor_version, requested_full, next_at)
              values ('{msp}', '{client}', '{directory}', interval '1 day', 5, false, 0, 0, 0, false, now() + interval '1 day');
            """
        );
        return client;
    }

    /// <summary>Makes the client due and waits for the commit of its sync.</summary>
    /// <returns>From its claim to its commit.</returns>
    public async Task<TimeSpan> SyncAsync(Guid client)
    {
        await ExecuteAsync($"update client_sync set next_at = now() where client_id = '{client}'");
        var at = $"from client_sync where client_id = '{client}'";
        var before = await ScalarAsync<long>($"select cursor_version {at}");
        while (!await ScalarAsync<bool>($"select owner is not null or cursor_version > {before} {at}"))
        {
            if (process!.HasExited)
            {
                throw new InvalidOperationException($"directory-sync ended with exit code {process.ExitCode}.");
            }

            await Task.Delay(1);
        }

        var watch = Stopwatch.StartNew();
        while (await ScalarAsync<long>($"select cursor_version {at}") == before)
        {
            await Task.Delay(watch.ElapsedMilliseconds < 500 ? 1 : 20);
            if (watch.Elapsed > TimeSpan.FromMinutes(3))
            {
                throw new InvalidOperationException("The sync did not end within 3 minutes.");
            }
        }

        return watch.Elapsed;
    }

    public async Task ExecuteAsync(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    public async Task<T> ScalarAsync<T>(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    public async ValueTask DisposeAsync()
    {
        if (process is not null)
        {
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
        }

        await bus.DisposeAsync();
        await Database.DisposeAsync();
        await TestServers.DropAsync(name);
    }

    private Dictionary<string, string?> Settings()
    {
        var all = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
            ["ConnectionStrings__database"] = TestServers.As(name, "app"),
            ["ConnectionStrings__worker"] = TestServers.As(name, "worker"),
            ["ConnectionStrings__rabbitmq"] = TestServers.RabbitMq,
            ["ConnectionStrings__redis"] = TestServers.Redis,
            ["Identity__Issuer"] = TestTokens.Issuer,
            ["Identity__Authority"] = "http://localhost:1",
            ["Kestrel__Endpoints__http__Url"] = "http://127.0.0.1:0",
            ["Graph__BaseUrl"] = $"{cloud.Emulator.Address}v1.0",
            ["Graph__Authority"] = cloud.Emulator.Address.ToString(),
            ["Graph__CaFile"] = cloud.Emulator.CaFile,
            ["Graph__ClientId"] = Emulator.ClientId,
            ["Graph__CertificateFile"] = cloud.Emulator.ApplicationFile,
            ["Consent__RedirectUri"] = "https://rollcall.example/consent/callback",
        };
        foreach (var (key, value) in settings)
        {
            all[key] = value;
        }

        return all;
    }
}
