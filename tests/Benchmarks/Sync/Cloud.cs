using Microsoft.Extensions.DependencyInjection;
using Rollcall.DirectorySync.Tests;
using Rollcall.GraphEmulator.Faults;
using Rollcall.GraphEmulator.Model;
using Rollcall.GraphEmulator.Seeding;
using Rollcall.GraphEmulator.SignIn;

namespace Rollcall.Benchmarks.Sync;

/// <summary>The Graph emulator in this process, on a TLS port.</summary>
public sealed class Cloud : IAsyncDisposable
{
    public Emulator Emulator { get; } = new();
    private Emulation Emulation => Emulator.Services.GetRequiredService<Emulation>();

    /// <summary>A tenant that has consented.</summary>
    public Tenant Add(
        int users,
        int groups = 0,
        int links = 0,
        TenantSettings? settings = null,
        string[]? permissions = null
    )
    {
        var id = Guid.CreateVersion7();
        var tenant = new Tenant(id, $"Bench {id:N}", $"t{id:N}.example", Emulation.Clock, seed: 7)
        {
            Settings = settings ?? new TenantSettings { Throttling = false },
        };
        Emulation.Add(tenant);
        new Generator(tenant, 7).Fill(users, groups, links);
        Consent.Grant(tenant, Emulator.ClientId, permissions ?? ["User.Read.All", "GroupMember.Read.All"]);
        return tenant;
    }

    /// <summary>Signed in to the tenant.</summary>
    public HttpClient Client(Tenant tenant) =>
        new(Emulator.CreateHandler()) { DefaultRequestHeaders = { Authorization = new("Bearer", Token(tenant)) } };

    public static string Token(Tenant tenant)
    {
        var now = TimeProvider.System.GetUtcNow();
        return new AccessToken(
            tenant.Id,
            Emulator.ClientId,
            ["User.Read.All", "GroupMember.Read.All"],
            now,
            now.AddHours(1)
        ).Encode();
    }

    /// <summary>Counts the tenant's calls: a delay of nothing.</summary>
    public FaultRule Count(Tenant tenant)
    {
        var count = new FaultRule { Kind = FaultKind.Delay, Tenant = tenant.Id };
        Emulator.Services.GetRequiredService<FaultSchedule>().Add([count]);
        return count;
    }

    public void Fail(params FaultRule[] faults) => Emulator.Services.GetRequiredService<FaultSchedule>().Add(faults);

    /// <summary>Ends all faults.</summary>
    public void Mend() => Emulator.Services.GetRequiredService<FaultSchedule>().Clear(tenant: null);

    public void Remove(Tenant tenant) => Emulation.Tenants.TryRemove(tenant.Id, out _);

    public ValueTask DisposeAsync() => Emulator.DisposeAsync();
}
