using Npgsql;
using RabbitMQ.Client;
using Rollcall.Api.Ops.V1;
using Rollcall.Api.Scope.V1;
using Rollcall.Testing;

namespace Rollcall.Platform.Tests;

/// <summary>One after another, and not beside TenancyTests: some of these take the database or the consumer away.</summary>
[Collection("one database")]
public sealed class MessagingTests(PlatformFixture service)
{
    /// <summary>A minute under ./test --long.</summary>
    private static readonly TimeSpan Outage = TimeSpan.FromSeconds(
        Environment.GetEnvironmentVariable("ROLLCALL_LONG") == "1" ? 60 : 8
    );

    private readonly Tenant tenant = PlatformFixture.NewTenant();
    private Guid ClientId => tenant.ClientIds![0];

    /// <summary>Goes red when InboxFilter no longer looks at the inbox (tests/mutants/inbox-off.patch).</summary>
    [Fact]
    public async Task Consume_DeliveredFiveTimesAtOnce_CountsOnce()
    {
        var id = Guid.CreateVersion7();
        var message = PlatformFixture.Event(tenant);

        await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => service.DeliverAsync(message, id)));
        await service.DeliverAsync(PlatformFixture.Event(tenant));

        await CountsAsync(2);
        await Task.Delay(500);
        await CountsAsync(2);
    }

    [Fact]
    public async Task Publish_Committed_ReachesTheBus()
    {
        await service.DbAsync(
            tenant,
            db =>
            {
                db.Publish(PlatformFixture.Event(tenant));
                return Task.FromResult(true);
            }
        );

        await Eventually.HoldsAsync(() => Assert.Single(service.Events.Of<ScopeChanged>(ClientId)));
        await CountsAsync(1);
    }

    [Fact]
    public async Task Publish_RolledBack_IsNeverSaid()
    {
        await Assert.ThrowsAsync<InvalidOperationException>(() =>
            service.DbAsync<bool>(
                tenant,
                async db =>
                {
                    db.Publish(PlatformFixture.Event(tenant));
                    await db.SaveChangesAsync();
                    throw new InvalidOperationException();
                }
            )
        );

        await service.DeliverAsync(PlatformFixture.Event(tenant));
        await CountsAsync(1);
        Assert.Single(service.Events.Of<ScopeChanged>(ClientId));
    }

    [Fact]
    public async Task Dispatch_RowNobodyCanPublish_DiesWithAnAlarmAndBlocksNobody()
    {
        await ExecuteAsync(
            $"""
            insert into outbox (message_id, msp_id, client_id, type, body, attempts)
            values ('{Guid.CreateVersion7()}', '{tenant.MspId}', '{ClientId}', 'rollcall.no.Such', '', {OutboxDispatcher.MaxAttempts
                - 1})
            """
        );
        await service.DbAsync(
            tenant,
            db =>
            {
                db.Publish(PlatformFixture.Event(tenant));
                return Task.FromResult(true);
            }
        );

        await CountsAsync(1);
        await AlarmAsync(AlarmKind.OutboxDead);
        Assert.Equal(1L, await ScalarAsync($"select count(*) from outbox_dead where client_id = '{ClientId}'"));
    }

    [Fact]
    public async Task Dispatch_RowNobodyCanPublish_WaitsLongerEachTime()
    {
        await ExecuteAsync(
            $"""
            insert into outbox (message_id, msp_id, client_id, type, body)
            values ('{Guid.CreateVersion7()}', '{tenant.MspId}', '{ClientId}', 'rollcall.no.Such', '')
            """
        );

        await Eventually.HoldsAsync(async () =>
            Assert.Equal(
                "UnknownEventException",
                await ScalarAsync($"select last_error from outbox where client_id = '{ClientId}' and next_at > now()")
            )
        );
        await ExecuteAsync($"delete from outbox where client_id = '{ClientId}'");
    }

    [Fact]
    public async Task Consume_Poison_EndsInErrorWithAlarmAndCanBeRedriven()
    {
        service.Poison.On = true;
        await service.DeliverAsync(PlatformFixture.Event(tenant, reason: "poison"));
        await AlarmAsync(AlarmKind.PoisonMessage);
        Assert.Equal(0, await service.CountAsync(tenant));

        service.Poison.On = false;
        var moved = await Redrive.RunAsync(TestServers.RabbitMq, [PlatformFixture.Queue], CancellationToken.None);

        Assert.True(moved > 0);
        await CountsAsync(1);
    }

    [Theory]
    [InlineData("rollcall.scope.v1.ScopeChanged", "not protobuf")]
    [InlineData("rollcall.no.Such", "")]
    public async Task Consume_GarbageOrUnknownType_EndsInError(string type, string body)
    {
        await using var channel = await PlatformFixture.BrokerAsync();
        var before = await ErrorsAsync(channel);
        var properties = new BasicProperties
        {
            ContentType = "application/protobuf",
            Headers = new Dictionary<string, object?>
            {
                [EventHeaders.ProtoType] = type,
                [EventHeaders.Msp] = tenant.MspId.ToString(),
                [EventHeaders.Client] = ClientId.ToString(),
            },
        };

        await channel.BasicPublishAsync(
            "",
            PlatformFixture.Queue,
            mandatory: true,
            properties,
            System.Text.Encoding.UTF8.GetBytes(body)
        );

        await AlarmAsync(AlarmKind.PoisonMessage);
        await Eventually.HoldsAsync(async () => Assert.Equal(before + 1, await ErrorsAsync(channel)));
        await channel.QueuePurgeAsync($"{PlatformFixture.Queue}_error");
    }

    [Fact]
    public async Task Consume_DatabaseAway_WaitsAndLosesNothing()
    {
        await using var channel = await PlatformFixture.BrokerAsync();
        var errors = await ErrorsAsync(channel);
        await using var server = NpgsqlDataSource.Create(TestServers.Postgres);
        await CloseAsync(server, closed: true);
        try
        {
            for (var i = 0; i < 20; i++)
            {
                await service.DeliverAsync(PlatformFixture.Event(tenant));
            }

            await Task.Delay(Outage);
            Assert.Equal(errors, await ErrorsAsync(channel));
        }
        finally
        {
            await CloseAsync(server, closed: false);
        }

        await Eventually.HoldsAsync(
            async () => Assert.Equal(20, await service.CountAsync(tenant)),
            TimeSpan.FromSeconds(60)
        );
        Assert.Equal(errors, await ErrorsAsync(channel));
    }

    /// <summary>Takes the service's database away, as a server does that is down: for this database alone.</summary>
    private async Task CloseAsync(NpgsqlDataSource server, bool closed)
    {
        await using var command = server.CreateCommand(
            $"""
            alter database "{service.Database}" with allow_connections {!closed};
            select pg_terminate_backend(pid) from pg_stat_activity where datname = '{service.Database}'
            """
        );
        await command.ExecuteNonQueryAsync();
    }

    private static async Task<uint> ErrorsAsync(IChannel channel)
    {
        var queue = await channel.QueueDeclareAsync(
            $"{PlatformFixture.Queue}_error",
            durable: true,
            exclusive: false,
            autoDelete: false,
            new Dictionary<string, object?> { ["x-queue-type"] = "quorum" }
        );
        return queue.MessageCount;
    }

    private Task CountsAsync(int expected) =>
        Eventually.HoldsAsync(
            async () => Assert.Equal(expected, await service.CountAsync(tenant)),
            TimeSpan.FromSeconds(20)
        );

    private Task AlarmAsync(AlarmKind kind) =>
        Eventually.HoldsAsync(
            () =>
            {
                Assert.Contains(service.Events.Of<AlarmRaised>(ClientId), a => a.Kind == kind && a.Service == "sample");
                return Task.CompletedTask;
            },
            TimeSpan.FromSeconds(20)
        );

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = await service.ConnectAsync("worker");
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private async Task<object?> ScalarAsync(string sql)
    {
        await using var connection = await service.ConnectAsync("worker");
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
