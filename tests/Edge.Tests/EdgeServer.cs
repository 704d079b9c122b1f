using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Rollcall.Platform;

namespace Rollcall.Edge.Tests;

/// <summary>Edge itself in this process, on real ports.</summary>
public sealed class EdgeServer : WebApplicationFactory<Account>
{
    private readonly IReadOnlyDictionary<string, string?> settings;
    private readonly TimeProvider clock;
    private readonly Lazy<GrpcChannel> channel;

    public EdgeServer(TimeProvider clock, IReadOnlyDictionary<string, string?> settings)
    {
        this.clock = clock;
        this.settings = settings;
        channel = new(() => GrpcChannel.ForAddress(GrpcUrl));
        Http = new() { BaseAddress = new(settings["Kestrel:Endpoints:http:Url"]!) };
        UseKestrel(_ => { });
        StartServer();
    }

    public HttpClient Http { get; }

    /// <summary>Of the cleartext port.</summary>
    public string GrpcUrl => settings["Kestrel:Endpoints:grpc:Url"]!;

    /// <summary>A client of the public gRPC port.</summary>
    public TClient Client<TClient>(string? token, params (string Name, string Value)[] headers)
        where TClient : ClientBase<TClient> =>
        (TClient)
            Activator.CreateInstance(
                typeof(TClient),
                channel.Value.Intercept(metadata =>
                {
                    if (token is not null)
                    {
                        metadata.Add("authorization", $"Bearer {token}");
                    }

                    foreach (var (name, value) in headers)
                    {
                        metadata.Add(name, value);
                    }

                    return metadata;
                })
            )!;

    /// <summary>Runs work on the accounts as the service's own role does, inside the tenant.</summary>
    public async Task<T> DbAsync<T>(Tenant tenant, Func<EdgeDbContext, Task<T>> work)
    {
        await using var scope = Services.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<TenantContext>().Enter(tenant);
        var db = scope.ServiceProvider.GetRequiredService<EdgeDbContext>();
        await using var transaction = await db.BeginAsync(CancellationToken.None);
        return await work(db);
    }

    /// <summary>Runs work on the accounts of all MSPs, as the token endpoint does.</summary>
    public async Task AccountsAsync(Func<Accounts, TokenDbContext, Task> work)
    {
        await using var scope = Services.CreateAsyncScope();
        await work(
            scope.ServiceProvider.GetRequiredService<Accounts>(),
            scope.ServiceProvider.GetRequiredService<TokenDbContext>()
        );
    }

    public override async ValueTask DisposeAsync()
    {
        Http.Dispose();
        if (channel.IsValueCreated)
        {
            channel.Value.Dispose();
        }

        await base.DisposeAsync();
    }

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        builder.UseEnvironment(settings.GetValueOrDefault("environment") ?? "Development");
        foreach (var (key, value) in settings)
        {
            builder.UseSetting(key, value);
        }

        builder.ConfigureTestServices(services => services.AddSingleton(clock));
    }
}
