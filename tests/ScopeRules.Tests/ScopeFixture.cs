using Grpc.Core;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Rollcall.Api.Directory.V1;
using Rollcall.ScopeRules.Data;
using Rollcall.ScopeRules.Tests;
using Rollcall.Testing;

[assembly: AssemblyFixture(typeof(ScopeFixture))]

namespace Rollcall.ScopeRules.Tests;

/// <summary>The scope-rules service on real servers.</summary>
public sealed class ScopeFixture() : ServiceFixture<ScopeDbContext, ScopeDbContext>("scope-rules")
{
    public FakeDirectory Directory { get; } = new();

    /// <summary>A client of a new MSP, or of a given one.</summary>
    public TestClient NewClient(Guid? msp = null, string timeZone = "Etc/UTC")
    {
        var client = Clients.Add(msp, timeZone);
        Directory.Clients[client.ClientId.ToString()] = new() { TimeZone = timeZone, LeaverAfterDays = 30 };
        return new(this, client);
    }

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        base.ConfigureWebHost(builder);
        builder.ConfigureTestServices(services => services.AddSingleton<ClientService.ClientServiceClient>(Directory));
    }
}

/// <summary>Stands for directory-sync where its settings of a client are asked for.</summary>
public sealed class FakeDirectory : ClientService.ClientServiceClient
{
    public System.Collections.Concurrent.ConcurrentDictionary<string, Client> Clients { get; } = new();

    public override AsyncUnaryCall<GetClientResponse> GetClientAsync(
        GetClientRequest request,
        Metadata? headers = null,
        DateTime? deadline = null,
        CancellationToken cancellationToken = default
    ) =>
        new(
            Task.FromResult(new GetClientResponse { Client = Clients[request.ClientId] }),
            Task.FromResult(new Metadata()),
            () => Status.DefaultSuccess,
            () => [],
            () => { }
        );
}
