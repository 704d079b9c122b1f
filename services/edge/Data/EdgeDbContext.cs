using Microsoft.EntityFrameworkCore;
using Rollcall.Platform;

namespace Rollcall.Edge;

/// <summary>Edge's database as IdentityService uses it: the accounts of the caller's own MSP.</summary>
public class EdgeDbContext : ServiceDbContext
{
    public EdgeDbContext(DbContextOptions<EdgeDbContext> options)
        : base(options) { }

    protected EdgeDbContext(DbContextOptions options)
        : base(options) { }

    public DbSet<Account> Accounts => Set<Account>();

    /// <summary>account: the token endpoint finds a caller by its OAuth client id, before any tenant is known.</summary>
    public override IReadOnlyList<string> WorkerTables => ["account"];

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.UseOpenIddict<Account, OAuthAuthorization, OAuthScope, OAuthToken, Guid>();
        base.OnModelCreating(modelBuilder);
    }
}

/// <summary>The same database as the token endpoint sees it, across MSPs: the worker role, and no tenant.</summary>
public sealed class TokenDbContext(DbContextOptions<TokenDbContext> options) : EdgeDbContext(options);
