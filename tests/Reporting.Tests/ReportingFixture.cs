using Grpc.Core;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Reporting.V1;
using Rollcall.Platform;
using Rollcall.Reporting.Api;
using Rollcall.Reporting.Data;
using Rollcall.Reporting.Tests;
using Rollcall.Testing;

[assembly: AssemblyFixture(typeof(ReportingFixture))]

namespace Rollcall.Reporting.Tests;

/// <summary>The reporting service. Its clock stands at 15 January 2026, 09:00 UTC; events say their own times.</summary>
public sealed class ReportingFixture() : ServiceFixture<ReportApi, ReportingDbContext>("reporting")
{
    internal FakeSyncHealth SyncHealth { get; } = new();

    public ReportService.ReportServiceClient Admin(ClientInfo client) => As(TestTokens.MspAdmin(client.MspId));

    public ReportService.ReportServiceClient As(string token, Guid? msp = null) =>
        Client<ReportService.ReportServiceClient>(token, msp);

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        base.ConfigureWebHost(builder);
        builder.ConfigureTestServices(services => services.AddSingleton<SyncService.SyncServiceClient>(SyncHealth));
    }
}

/// <summary>Stands for directory-sync: healthy an hour ago, unless a client is down for it.</summary>
internal sealed class FakeSyncHealth : SyncService.SyncServiceClient
{
    public static readonly DateTimeOffset LastSuccess = new(2026, 1, 15, 8, 0, 0, TimeSpan.Zero);

    /// <summary>Clients it gives no answer for.</summary>
    public HashSet<string> Down { get; } = [];

    public override AsyncUnaryCall<GetSyncHealthResponse> GetSyncHealthAsync(
        GetSyncHealthRequest request,
        Metadata? headers = null,
        DateTime? deadline = null,
        CancellationToken cancellationToken = default
    )
    {
        var health = new SyncHealth
        {
            State = HealthState.Healthy,
            LastSuccessTime = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(LastSuccess),
        };
        var answer = Down.Contains(request.ClientId)
            ? Task.FromException<GetSyncHealthResponse>(new RpcException(new(StatusCode.Unavailable, "down")))
            : Task.FromResult(new GetSyncHealthResponse { Health = health });
        return new(answer, Task.FromResult(new Metadata()), () => Status.DefaultSuccess, () => [], () => { });
    }
}
