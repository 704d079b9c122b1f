using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Rollcall.Testing;

namespace Rollcall.Platform.Tests;

[Collection("one database")]
public sealed class TenancyTests(PlatformFixture service)
{
    [Fact]
    public Task EveryTable_WithATenantColumn_IsLocked() => Catalogue.AssertLockedAsync(service.Database);

    [Fact]
    public async Task Query_WithoutTenant_SeesNothing()
    {
        await TallyAsync(PlatformFixture.NewTenant());
        await using var connection = await service.ConnectAsync("app");

        Assert.Equal(0L, await ScalarAsync(connection, "select count(*) from tally"));
    }

    [Fact]
    public async Task Query_AnotherTenantOfTheSamePool_SeesNothing()
    {
        var owner = PlatformFixture.NewTenant();
        await TallyAsync(owner);

        Assert.Equal(1, await service.DbAsync(owner, db => db.Tallies.CountAsync()));
        Assert.Equal(1, await service.DbAsync(Tenant.WholeMsp(owner.MspId), db => db.Tallies.CountAsync()));
        Assert.Equal(0, await service.DbAsync(PlatformFixture.NewTenant(), db => db.Tallies.CountAsync()));
        Assert.Equal(
            0,
            await service.DbAsync(Tenant.Client(owner.MspId, Guid.CreateVersion7()), db => db.Tallies.CountAsync())
        );
    }

    [Fact]
    public async Task Insert_ForAnotherTenant_IsRefused()
    {
        var other = PlatformFixture.NewTenant();

        var error = await Assert.ThrowsAsync<DbUpdateException>(() =>
            service.DbAsync(
                PlatformFixture.NewTenant(),
                db =>
                {
                    db.Tallies.Add(new() { MspId = other.MspId, ClientId = other.ClientIds![0] });
                    return Task.FromResult(true);
                }
            )
        );

        Assert.Equal("42501", ((PostgresException)error.InnerException!).SqlState);
    }

    [Theory]
    [InlineData("alter table tally disable row level security")]
    [InlineData("drop policy tenant on tally")]
    [InlineData("set role rollcall_migrator")]
    [InlineData("drop table tally")]
    public async Task AppRole_CannotOpenTheLock(string sql)
    {
        await using var connection = await service.ConnectAsync("app");

        var error = await Assert.ThrowsAsync<PostgresException>(() => ScalarAsync(connection, sql));

        Assert.Equal("42501", error.SqlState);
    }

    [Fact]
    public async Task WorkerRole_SeesNoTenantTable()
    {
        await using var connection = await service.ConnectAsync("worker");

        var error = await Assert.ThrowsAsync<PostgresException>(() =>
            ScalarAsync(connection, "select count(*) from tally")
        );

        Assert.Equal("42501", error.SqlState);
    }

    /// <summary>Not tenancy, but of the same sessions: whatever the server's own settings are.</summary>
    [Theory]
    [InlineData("app")]
    [InlineData("worker")]
    public async Task Session_OfAnyServer_CompilesNoQuery(string role)
    {
        await using var connection = await service.ConnectAsync(role);

        Assert.Equal("off", await ScalarAsync(connection, "show jit"));
    }

    [Fact]
    public async Task Query_WithoutTransaction_Throws()
    {
        await using var scope = service.Services.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<TenantContext>().Enter(PlatformFixture.NewTenant());
        var db = scope.ServiceProvider.GetRequiredService<SampleDbContext>();

        await Assert.ThrowsAsync<InvalidOperationException>(() => db.Tallies.CountAsync());
    }

    [Fact]
    public async Task Transaction_WithoutTenant_Throws()
    {
        await using var scope = service.Services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<SampleDbContext>();

        await Assert.ThrowsAsync<InvalidOperationException>(() => db.BeginAsync(CancellationToken.None));
    }

    [Fact]
    public void Enter_AnotherTenant_Throws()
    {
        var context = new TenantContext();
        context.Enter(PlatformFixture.NewTenant());

        Assert.Throws<InvalidOperationException>(() => context.Enter(PlatformFixture.NewTenant()));
    }

    private Task<bool> TallyAsync(Tenant tenant) =>
        service.DbAsync(
            tenant,
            db =>
            {
                db.Tallies.Add(new() { MspId = tenant.MspId, ClientId = tenant.ClientIds![0] });
                return Task.FromResult(true);
            }
        );

    private static async Task<object?> ScalarAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
