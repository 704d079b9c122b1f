using System.Net;
using Grpc.Core;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Scope.V1;
using Rollcall.Platform;
using Rollcall.Testing;

namespace Rollcall.Edge.Tests;

public sealed class DoorTests(EdgeFixture fixture)
{
    private readonly Guid msp = Guid.CreateVersion7();

    [Fact]
    public async Task Call_AllowedCaller_ReachesTheServiceWithItsToken()
    {
        var client = fixture.Backend.Clients.Add(msp);
        var token = await fixture.TokenAsync("client-viewer", msp, [client.ClientId]);

        var answer = await fixture
            .Edge.Client<ClientService.ClientServiceClient>(token)
            .GetClientAsync(new() { ClientId = client.ClientId.ToString() });

        Assert.Equal(client.DisplayName, answer.Client.DisplayName);
    }

    [Fact]
    public async Task Call_ClientOutsideTheList_GetsTheServicesOwnRefusal()
    {
        var client = fixture.Backend.Clients.Add(msp);
        var token = await fixture.TokenAsync("client-viewer", msp, [Guid.CreateVersion7()]);
        var door = fixture.Edge.Client<ClientService.ClientServiceClient>(token);

        Assert.Equal(
            (StatusCode.NotFound, "CLIENT_NOT_FOUND"),
            await RpcErrors.RefusalAsync(() =>
                door.GetClientAsync(new() { ClientId = client.ClientId.ToString() }).ResponseAsync
            )
        );
    }

    [Fact]
    public async Task Call_WithoutToken_IsUnauthenticated()
    {
        var door = fixture.Edge.Client<ClientService.ClientServiceClient>(token: null);

        Assert.Equal(
            (StatusCode.Unauthenticated, "TOKEN_MISSING"),
            await RpcErrors.RefusalAsync(() => door.ListClientsAsync(new()).ResponseAsync)
        );
    }

    [Fact]
    public async Task Call_TokenSignedBySomebodyElse_IsUnauthenticated()
    {
        var door = fixture.Edge.Client<ClientService.ClientServiceClient>(TestTokens.MspAdmin(msp));

        Assert.Equal(
            (StatusCode.Unauthenticated, "TOKEN_MISSING"),
            await RpcErrors.RefusalAsync(() => door.ListClientsAsync(new()).ResponseAsync)
        );
    }

    [Fact]
    public async Task Call_RoleOrScopeNotInTheOption_IsRefusedAtTheDoor()
    {
        var viewer = fixture.Edge.Client<ClientService.ClientServiceClient>(
            await fixture.TokenAsync("client-viewer", msp)
        );
        var partner = fixture.Edge.Client<ClientService.ClientServiceClient>(
            await fixture.TokenAsync("partner", msp, null, "clients.read")
        );

        foreach (var door in new[] { viewer, partner })
        {
            Assert.Equal(
                (StatusCode.PermissionDenied, "ROLE_NOT_ALLOWED"),
                await RpcErrors.RefusalAsync(() => door.CreateClientAsync(new() { DisplayName = "X" }).ResponseAsync)
            );
        }
    }

    [Fact]
    public async Task Call_ServicesOnlyRpc_IsRefusedToEveryone()
    {
        string[] tokens =
        [
            await fixture.TokenOfAsync("edge", "edge-secret"),
            await fixture.TokenOfAsync("platform", "platform-secret"),
            await fixture.TokenAsync("msp-admin", msp),
        ];

        foreach (var token in tokens)
        {
            var door = fixture.Edge.Client<ConnectionService.ConnectionServiceClient>(token);
            Assert.Equal(
                (StatusCode.PermissionDenied, "ROLE_NOT_ALLOWED"),
                await RpcErrors.RefusalAsync(() => door.CompleteConsentAsync(new() { State = "x" }).ResponseAsync)
            );
        }
    }

    /// <summary>A leaked service secret would otherwise read every MSP by naming it in a header.</summary>
    [Fact]
    public async Task Call_AService_IsRefusedEvenWhereServicesMayCall()
    {
        var door = fixture.Edge.Client<ClientService.ClientServiceClient>(
            await fixture.TokenOfAsync("edge", "edge-secret"),
            (AccessInterceptor.MspHeader, msp.ToString())
        );

        Assert.Equal(
            (StatusCode.PermissionDenied, "ROLE_NOT_ALLOWED"),
            await RpcErrors.RefusalAsync(() => door.ListClientsAsync(new()).ResponseAsync)
        );
    }

    [Fact]
    public async Task Call_NamesAnMspInTheHeader_ArrivesWithoutIt()
    {
        var (clientId, secret) = await fixture.AddAccountAsync("msp-admin", msp);
        var door = fixture.Edge.Client<ClientService.ClientServiceClient>(
            await fixture.TokenOfAsync(clientId, secret),
            (AccessInterceptor.MspHeader, Guid.CreateVersion7().ToString()),
            ("x-mine", "kept")
        );

        await door.ListClientsAsync(new());

        Assert.Null(fixture.Backend.Seen[clientId].GetValue(AccessInterceptor.MspHeader));
        Assert.Equal("kept", fixture.Backend.Seen[clientId].GetValue("x-mine"));
    }

    [Theory]
    [InlineData("/rollcall.directory.v1.ClientService/NoSuchRpc")]
    [InlineData("/Rollcall.Directory.V1.ClientService/ListClients")]
    [InlineData("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")]
    public async Task Call_UnknownMethod_IsUnimplementedInTheHeadersAlone(string path)
    {
        using var answer = await PostAsync(path, "application/grpc");

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("12", answer.Headers.GetValues("grpc-status").Single());
        Assert.Empty(await answer.Content.ReadAsByteArrayAsync());
    }

    /// <summary>No request gets past the door by not looking like gRPC.</summary>
    [Theory]
    [InlineData("application/json")]
    [InlineData("application/grpc-web")]
    public async Task Call_OtherContentType_DoesNotReachTheService(string contentType)
    {
        using var answer = await PostAsync("/rollcall.directory.v1.ClientService/ListClients", contentType);

        Assert.Equal("12", answer.Headers.GetValues("grpc-status").Single());
    }

    [Fact]
    public async Task Call_ServiceNotThere_IsUnavailableWithRetryInfo()
    {
        var door = fixture.Edge.Client<ScopeService.ScopeServiceClient>(await fixture.TokenAsync("msp-admin", msp));

        var error = await Assert.ThrowsAsync<RpcException>(() =>
            door.ListDecisionsAsync(new() { ClientId = Guid.CreateVersion7().ToString() }).ResponseAsync
        );

        Assert.Equal((StatusCode.Unavailable, "SERVICE_UNAVAILABLE"), (error.StatusCode, error.Reason()));
        Assert.NotNull(error.GetRpcStatus()!.GetDetail<Google.Rpc.RetryInfo>());
    }

    [Fact]
    public async Task Call_ServiceNeverAnswers_TimesOut()
    {
        var client = fixture.Backend.Clients.Add(msp);
        var door = fixture.Edge.Client<SyncService.SyncServiceClient>(await fixture.TokenAsync("msp-admin", msp));

        Assert.Equal(
            (StatusCode.DeadlineExceeded, "CALL_TIMED_OUT"),
            await RpcErrors.RefusalAsync(() =>
                door.GetSyncRunAsync(new() { ClientId = client.ClientId.ToString() }).ResponseAsync
            )
        );
    }

    [Fact]
    public async Task Stream_SilentLongerThanACallMayBe_GoesOn()
    {
        var client = fixture.Backend.Clients.Add(msp);
        var door = fixture.Edge.Client<SyncService.SyncServiceClient>(await fixture.TokenAsync("msp-admin", msp));
        using var watch = door.WatchSyncRun(new() { ClientId = client.ClientId.ToString() });

        Assert.True(await watch.ResponseStream.MoveNext(CancellationToken.None));
        Assert.True(await watch.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(
            (StatusCode.FailedPrecondition, "WATCH_OVER"),
            await RpcErrors.RefusalAsync(() => watch.ResponseStream.MoveNext(CancellationToken.None))
        );
    }

    /// <summary>YARP lifts Kestrel's limit for gRPC; the service reads the frame's length and refuses the rest.</summary>
    [Fact]
    public async Task Call_LargerThanAMessageMayBe_IsRefused()
    {
        var door = fixture.Edge.Client<ClientService.ClientServiceClient>(await fixture.TokenAsync("msp-admin", msp));

        var small = await door.ListClientsAsync(new() { PageToken = new('x', 3 * 1024 * 1024) });
        var error = await Assert.ThrowsAsync<RpcException>(() =>
            door.ListClientsAsync(new() { PageToken = new('x', 5 * 1024 * 1024) }).ResponseAsync
        );

        Assert.Equal(3 * 1024 * 1024, small.NextPageToken.Length);
        Assert.Equal(StatusCode.ResourceExhausted, error.StatusCode);
    }

    [Fact]
    public async Task Call_CallerOverItsBudget_IsToldToWaitAndOthersAreNot()
    {
        await using var edge = fixture.Start(("Edge:Limits:Burst", "3"), ("Edge:Limits:CallsPerSecond", "1"));
        var busy = edge.Client<ClientService.ClientServiceClient>(await fixture.TokenAsync("msp-admin", msp));
        var other = edge.Client<ClientService.ClientServiceClient>(await fixture.TokenAsync("msp-admin", msp));
        for (var i = 0; i < 3; i++)
        {
            await busy.ListClientsAsync(new());
        }

        var error = await Assert.ThrowsAsync<RpcException>(() => busy.ListClientsAsync(new()).ResponseAsync);
        await other.ListClientsAsync(new());

        Assert.Equal((StatusCode.ResourceExhausted, "RATE_LIMITED"), (error.StatusCode, error.Reason()));
        var delay = error.GetRpcStatus()!.GetDetail<Google.Rpc.RetryInfo>()!.RetryDelay.ToTimeSpan();
        Assert.InRange(delay, TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(2));
    }

    [Fact]
    public async Task Stream_TooManyAtOnce_IsRefusedUntilOneEnds()
    {
        await using var edge = fixture.Start(("Edge:Limits:Streams", "1"));
        var client = fixture.Backend.Clients.Add(msp);
        var door = edge.Client<SyncService.SyncServiceClient>(await fixture.TokenAsync("msp-admin", msp));
        var request = new WatchSyncRunRequest { ClientId = client.ClientId.ToString() };
        var first = door.WatchSyncRun(request);
        await first.ResponseStream.MoveNext(CancellationToken.None);
        using var second = door.WatchSyncRun(request);

        Assert.Equal(
            (StatusCode.ResourceExhausted, "TOO_MANY_STREAMS"),
            await RpcErrors.RefusalAsync(() => second.ResponseStream.MoveNext(CancellationToken.None))
        );
        first.Dispose();
        await Eventually.HoldsAsync(async () =>
        {
            using var third = door.WatchSyncRun(request);
            Assert.True(await third.ResponseStream.MoveNext(CancellationToken.None));
        });
    }

    [Fact]
    public async Task Http_Always_AnswersWithStrictHeaders()
    {
        using var answer = await fixture.Edge.Http.GetAsync(new Uri("/nothing/here", UriKind.Relative));

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.Equal("nosniff", answer.Headers.GetValues("X-Content-Type-Options").Single());
        Assert.Contains("frame-ancestors 'none'", answer.Headers.GetValues("Content-Security-Policy").Single());
        Assert.False(answer.Headers.Contains("Server"));
    }

    [Fact]
    public async Task Health_LiveAndReady_AreOk()
    {
        foreach (var path in new[] { "/health/live", "/health/ready" })
        {
            await Eventually.HoldsAsync(async () =>
                Assert.Equal("Healthy", await fixture.Edge.Http.GetStringAsync(new Uri(path, UriKind.Relative)))
            );
        }
    }

    private async Task<HttpResponseMessage> PostAsync(string path, string contentType)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, fixture.Edge.GrpcUrl + path)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent([0, 0, 0, 0, 0]) { Headers = { ContentType = new(contentType) } },
        };
        request.Headers.Authorization = new("Bearer", await fixture.TokenAsync("msp-admin", msp));
        return await http.SendAsync(request);
    }
}
