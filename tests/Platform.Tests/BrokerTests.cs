using Npgsql;
using RabbitMQ.Client;
using Rollcall.Testing;

namespace Rollcall.Platform.Tests;

/// <summary>The sample service on a broker of its own, which can die.</summary>
public sealed class BrokerFixture : PlatformFixture
{
    public OwnServers Servers { get; private set; } = null!;

    protected override string RabbitMq => Servers.RabbitMqAddress;

    public override async ValueTask InitializeAsync()
    {
        Servers = await OwnServers.CreateAsync();
        await Servers.StartRabbitMqAsync();

        // RabbitMQ notes a new quorum queue on disk within three minutes, or when it is stopped; killed before that, it has
        // forgotten where the queue's messages are. That is not what is tested here.
        await WaitingAsync(Queue);
        await Servers.RabbitMq.StopAsync();
        await Servers.RabbitMq.StartAsync();
        await base.InitializeAsync();
    }

    /// <summary>Messages in the queue, which is made if there is none.</summary>
    public async Task<uint> WaitingAsync(string queue)
    {
        await using var connection = await new ConnectionFactory { Uri = new(RabbitMq) }.CreateConnectionAsync();
        await using var channel = await connection.CreateChannelAsync();
        var declared = await channel.QueueDeclareAsync(
            queue,
            durable: true,
            exclusive: false,
            autoDelete: false,
            new Dictionary<string, object?> { ["x-queue-type"] = "quorum" }
        );
        return declared.MessageCount;
    }

    public override async ValueTask DisposeAsync()
    {
        try
        {
            await base.DisposeAsync();
        }
        finally
        {
            await Servers.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }

    protected override Task StartEventsAsync() => Events.StartAsync(RabbitMq, durable: true);
}

/// <summary>RabbitMQ is killed while messages are being handled: it never hears that they were.</summary>
public sealed class BrokerTests : IAsyncLifetime
{
    /// <summary>As many as are handled at once; see Bus.</summary>
    private const int AtOnce = 8;

    /// <summary>Not one of xunit's: those start their servers even when no test of theirs is to run.</summary>
    private readonly BrokerFixture service = new();

    public ValueTask InitializeAsync() => service.InitializeAsync();

    public ValueTask DisposeAsync() => service.DisposeAsync();

    /// <summary>20 s, for starting a broker thrice: under ./test --long.</summary>
    [Fact(Explicit = true)]
    public async Task BrokerKilled_WhileMessagesAreHandled_EachIsAppliedOnce()
    {
        service.Gate.Close();
        await PublishAsync(30);
        await HandlingAsync();

        // The first ones are handled to their end, and the broker no longer takes the word; the next are in the middle.
        await service.Servers.RabbitMq.HangAsync();
        service.Gate.Close();
        await Eventually.HoldsAsync(async () => Assert.Equal(AtOnce, (await AppliedAsync()).Count));
        await HandlingAsync();
        await service.Servers.RabbitMq.KillAsync();
        service.Gate.Open();
        await PublishAsync(30);
        await service.Servers.RabbitMq.StartAsync();

        await Eventually.HoldsAsync(
            async () =>
            {
                Assert.Equal(60, (await AppliedAsync()).Count);
                Assert.Equal(0u, await service.WaitingAsync(PlatformFixture.Queue));
            },
            TimeSpan.FromMinutes(2)
        );

        // What it had handed out and gave again comes to its end; nothing is left that could count twice.
        await service.StopAsync();
        Assert.All(await AppliedAsync(), count => Assert.Equal(1, count));
        Assert.Equal(0u, await service.WaitingAsync(PlatformFixture.Queue));
        Assert.Equal(0u, await service.WaitingAsync($"{PlatformFixture.Queue}_error"));
    }

    private Task HandlingAsync() => Eventually.HoldsAsync(() => Assert.Equal(AtOnce, service.Gate.Waiting));

    /// <summary>Each from a client of its own, so that none waits for another's row.</summary>
    private async Task PublishAsync(int count)
    {
        for (var i = 0; i < count; i++)
        {
            var tenant = PlatformFixture.NewTenant();
            await service.DbAsync(
                tenant,
                db =>
                {
                    db.Publish(PlatformFixture.Event(tenant));
                    return Task.FromResult(true);
                }
            );
        }
    }

    /// <summary>How often each event was counted.</summary>
    private async Task<List<int>> AppliedAsync()
    {
        var admin = new NpgsqlConnectionStringBuilder(TestServers.Postgres)
        {
            Database = service.Database,
            Pooling = false,
        };
        await using var source = NpgsqlDataSource.Create(admin.ConnectionString);
        await using var command = source.CreateCommand("select count from tally");
        await using var reader = await command.ExecuteReaderAsync();
        List<int> counts = [];
        while (await reader.ReadAsync())
        {
            counts.Add(reader.GetInt32(0));
        }

        return counts;
    }
}
