using Rollcall.Local.Processes;

namespace Rollcall.Local.Servers;

/// <summary>Postgres, Redis, RabbitMQ and the mail drop: private ones, except where a connection string names another.</summary>
public sealed class ServerSet(RunFolder folder, Output output, ServerOptions options)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    private readonly ProcessGroup group = new(folder, output);

    public async Task<ServerAddresses> StartAsync(CancellationToken ct)
    {
        var mail = new MailDrop(folder, options.MailPort ?? folder.Port("mail"));
        var postgres = StartPostgresAsync(ct);
        var redis = StartRedisAsync(ct);
        var rabbit = StartRabbitAsync(ct);
        await Task.WhenAll(postgres, redis, rabbit, group.StartAsync([mail.Process], Patience, ct));
        return new(await postgres, await redis, await rabbit, new("127.0.0.1", mail.Port, mail.Folder));
    }

    public Task StopAsync() => group.StopAsync(TimeSpan.FromSeconds(5));

    private async Task<string> StartPostgresAsync(CancellationToken ct)
    {
        if (External("postgres") is { } external)
        {
            return external;
        }

        var server = new PostgresServer(folder, options.PostgresPort ?? folder.Port("postgres"));
        await server.PrepareAsync(output, ct);
        await group.StartAsync([server.Process], Patience, ct);
        return server.ConnectionString;
    }

    private async Task<string> StartRedisAsync(CancellationToken ct)
    {
        if (External("redis") is { } external)
        {
            return external;
        }

        var server = new RedisServer(folder, options.RedisPort ?? folder.Port("redis"));
        await group.StartAsync([server.Process], Patience, ct);
        return server.ConnectionString;
    }

    private async Task<string> StartRabbitAsync(CancellationToken ct)
    {
        if (External("rabbitmq") is { } external)
        {
            return external;
        }

        var port = options.RabbitmqPort ?? folder.Port("rabbitmq");
        var server = new RabbitServer(folder, port, options.VirtualHosts);
        server.Prepare();
        await group.StartAsync([server.NameServer], Patience, ct);
        await group.StartAsync([server.Process], Patience, ct);
        return server.ConnectionString;
    }

    private static string? External(string name) =>
        Environment.GetEnvironmentVariable($"ConnectionStrings__{name}") is { Length: > 0 } value ? value : null;
}
