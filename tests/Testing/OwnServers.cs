using Rollcall.Local;
using Rollcall.Local.Processes;
using Rollcall.Local.Servers;

namespace Rollcall.Testing;

/// <summary>Postgres, RabbitMQ and Redis for one test class alone; each is started when it is wanted.</summary>
public sealed class OwnServers : IAsyncDisposable
{
    private const string Prefix = "rollcall-servers-";

    /// <summary>A younger folder may be one that somebody is just making.</summary>
    private static readonly TimeSpan Abandoned = TimeSpan.FromHours(1);

    private readonly RunFolder folder;
    private readonly PostgresServer postgres;
    private readonly RabbitServer rabbit;
    private readonly OwnServer names;

    private OwnServers(RunFolder folder, SmallDisk? disk)
    {
        this.folder = folder;
        postgres = new(folder, folder.Port("postgres"));
        rabbit = new(folder, folder.Port("rabbitmq"), []);
        var redis = new RedisServer(folder, folder.Port("redis"));
        (RabbitMqAddress, RedisAddress) = (rabbit.ConnectionString, redis.ConnectionString);
        names = new(rabbit.NameServer, folder);
        Disk = disk;
        Postgres = new(disk is null ? postgres.Process : disk.Seen(postgres.Process), folder);
        RabbitMq = new(rabbit.Process, folder);
        Redis = new(redis.Process, folder);
    }

    public OwnServer Postgres { get; }
    public OwnServer RabbitMq { get; }
    public OwnServer Redis { get; }
    public string PostgresAddress => postgres.ConnectionString;
    public string RabbitMqAddress { get; }
    public string RedisAddress { get; }

    /// <summary>A small disk, which Postgres alone sees.</summary>
    public SmallDisk? Disk { get; }

    /// <param name="diskMegabytes">0: no small disk.</param>
    public static async Task<OwnServers> CreateAsync(int diskMegabytes = 0)
    {
        await ClearAsync();
        var path = Directory.CreateTempSubdirectory(Prefix).FullName;
        var opened = await RunFolder.OpenAsync(path, fresh: false, CancellationToken.None);
        return new(opened, diskMegabytes == 0 ? null : await SmallDisk.MountAsync(opened, diskMegabytes));
    }

    public async Task StartPostgresAsync()
    {
        await postgres.PrepareAsync(Output.Quiet(), CancellationToken.None);
        await Postgres.StartAsync();
    }

    public async Task StartRabbitMqAsync()
    {
        rabbit.Prepare();
        await names.StartAsync();
        await RabbitMq.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(Postgres.KillAsync(), RabbitMq.KillAsync(), Redis.KillAsync());
        await names.KillAsync();
        await (Disk?.UnmountAsync() ?? Task.CompletedTask);
        folder.Dispose();
        Directory.Delete(folder.Path, recursive: true);
    }

    /// <summary>Removes what tests left that were killed: nobody holds the lock of their folder any more.</summary>
    private static async Task ClearAsync()
    {
        var before = TimeProvider.System.GetUtcNow().UtcDateTime - Abandoned;
        var old = new DirectoryInfo(Path.GetTempPath())
            .EnumerateDirectories($"{Prefix}*")
            .Where(d => d.LastWriteTimeUtc < before);
        foreach (var left in old)
        {
            try
            {
                using (await RunFolder.OpenAsync(left.FullName, fresh: true, CancellationToken.None))
                {
                    left.Delete(recursive: true);
                }
            }
            catch (Exception e) when (e is RunFailedException or IOException or UnauthorizedAccessException)
            {
                // In use, or of another account.
                continue;
            }
        }
    }
}
