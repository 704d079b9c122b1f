using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Rollcall.DirectorySync.Graph;
using Rollcall.GraphEmulator.Faults;
using Rollcall.GraphEmulator.Model;
using Rollcall.GraphEmulator.SignIn;

namespace Rollcall.DirectorySync.Tests;

/// <summary>When Graph may be called, against the emulator: what is too early must not even reach it.</summary>
public sealed class PaceTests(DirectoryFixture service)
{
    private FaultSchedule Faults => service.Graph.Services.GetRequiredService<FaultSchedule>();

    [Theory]
    [InlineData("20", 19, 21)]
    [InlineData("\"date\"", 15, 21)]
    [InlineData("\"none\"", 15, 25)]
    public async Task RetryAfter_OnOneStream_HoldsEveryCallToTheDirectory(string header, double least, double most)
    {
        using var graph = Graph(o => o.RetryDelay = TimeSpan.FromSeconds(10));
        var (tenant, calls) = Tenant();
        Fail(tenant, FaultKind.Throttle, header, "/v1.0/users/delta*");
        var refused = await graph.FailsAsync(tenant, DeltaKind.Users);
        Assert.Equal(GraphFailure.Throttled, refused.Failure);
        Assert.InRange(refused.RetryAfter!.Value.TotalSeconds, least, most);
        var before = calls.Matched;

        var groups = await graph.FailsAsync(tenant, DeltaKind.Groups);
        var users = await graph.FailsAsync(tenant, DeltaKind.Users);

        Assert.Equal((before, GraphFailure.Throttled), (calls.Matched, groups.Failure));
        Assert.InRange(users.RetryAfter!.Value, TimeSpan.FromMilliseconds(1), refused.RetryAfter.Value);
        await graph.AnswersAsync(Tenant().Tenant);
    }

    [Fact]
    public async Task RetryAfter_OfAMoment_IsWaitedFor()
    {
        using var graph = Graph();
        var (tenant, calls) = Tenant();
        Fail(tenant, FaultKind.Throttle, "1", "/v1.0/users/delta*", times: 1);
        var start = TimeProvider.System.GetTimestamp();

        await graph.AnswersAsync(tenant, DeltaKind.Users);

        Assert.True(TimeProvider.System.GetElapsedTime(start) >= TimeSpan.FromSeconds(0.95));
        Assert.Equal(2, calls.Matched);
    }

    [Fact]
    public async Task Circuit_FailuresInARow_LeavesTheDirectoryAloneThenTriesOnce()
    {
        using var graph = Graph(o => (o.BreakAfter, o.BreakFor) = (3, TimeSpan.FromSeconds(6)));
        var (tenant, calls) = Tenant();
        Fail(tenant, FaultKind.Reset);
        await graph.FailsAsync(tenant, DeltaKind.Users);
        var before = calls.Matched;

        var open = await graph.FailsAsync(tenant, DeltaKind.Groups);

        Assert.Equal(("CIRCUIT_OPEN", GraphFailure.Transient, before), (open.Code, open.Failure, calls.Matched));
        await graph.AnswersAsync(Tenant().Tenant);
        Faults.Clear(tenant.Id);
        await Task.Delay(TimeSpan.FromSeconds(6.1));
        await graph.AnswersAsync(tenant);
    }

    [Fact]
    public async Task Timeout_HangingCall_EndsTheAttemptWithoutAnother()
    {
        using var graph = Graph(o => o.CallTimeout = TimeSpan.FromSeconds(0.5));
        var (tenant, calls) = Tenant();
        Fail(tenant, FaultKind.Hang);
        var start = TimeProvider.System.GetTimestamp();

        var error = await graph.FailsAsync(tenant, DeltaKind.Users);

        Assert.Equal(("GRAPH_TIMEOUT", 1), (error.Code, calls.Matched));
        Assert.True(TimeProvider.System.GetElapsedTime(start) < TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task Timeout_DribblingBody_Counts()
    {
        using var graph = Graph(o => o.CallTimeout = TimeSpan.FromSeconds(0.5));
        var (tenant, _) = Tenant();
        Faults.Add([
            new()
            {
                Tenant = tenant.Id,
                Kind = FaultKind.Slow,
                DelayMs = 20_000,
            },
        ]);

        Assert.Equal("GRAPH_TIMEOUT", (await graph.FailsAsync(tenant, DeltaKind.Users)).Code);
    }

    [Fact]
    public async Task Units_OfADirectorySpent_RefusesWithoutACall()
    {
        using var graph = Graph(o => (o.TenantUnits, o.RetryDelay) = (6, TimeSpan.FromSeconds(1)));
        var (tenant, calls) = Tenant();
        for (var i = 0; i < 3; i++)
        {
            await graph.AnswersAsync(tenant);
        }

        var errors = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => graph.TryAsync(tenant)));

        Assert.Contains(errors, e => e is { Failure: GraphFailure.Throttled, Code: "OWN_LIMIT" });
        Assert.True(calls.Matched < 15, $"{calls.Matched} calls");
        await graph.AnswersAsync(Tenant().Tenant);
    }

    [Fact]
    public async Task Units_OfFullRounds_LeaveHalfToTheOthers()
    {
        using var pace = new GraphPace(Options.Create(new GraphOptions { AppUnits = 40 }));
        var (low, normal) = (0, 0);
        await Assert.ThrowsAsync<GraphException>(() => SpendAsync(GraphUrgency.Low, () => low++));
        await Assert.ThrowsAsync<GraphException>(() => SpendAsync(GraphUrgency.Normal, () => normal++));

        Assert.Equal((10, 10), (low, normal));

        async Task SpendAsync(GraphUrgency urgency, Action count)
        {
            for (var i = 0; i < 100; i++)
            {
                await pace.CallAsync(Guid.CreateVersion7(), urgency, 1, _ => ValueTask.FromResult(0), default);
                count();
            }
        }
    }

    [Fact]
    public async Task RetryAfter_OfTheApplication_HoldsEveryDirectory()
    {
        using var pace = new GraphPace(Options.Create(new GraphOptions()));
        var error = new GraphException(GraphFailure.Throttled, "TooManyRequests", "busy")
        {
            WholeApplication = true,
            RetryAfter = TimeSpan.FromMinutes(1),
        };
        await Assert.ThrowsAsync<GraphException>(() => CallAsync(_ => throw error));

        await Assert.ThrowsAsync<GraphException>(() => CallAsync(_ => ValueTask.FromResult(0)));

        Task<int> CallAsync(Func<CancellationToken, ValueTask<int>> call) =>
            pace.CallAsync(Guid.CreateVersion7(), GraphUrgency.Normal, 1, call, default);
    }

    private (Tenant Tenant, FaultRule Calls) Tenant()
    {
        var emulation = service.Graph.Services.GetRequiredService<Emulation>();
        var id = Guid.CreateVersion7();
        var tenant = new Tenant(id, "Pace", $"t{id:N}.example", emulation.Clock);
        emulation.Add(tenant);
        Consent.Grant(tenant, Emulator.ClientId, ["User.Read.All", "GroupMember.Read.All"]);
        var calls = new FaultRule { Tenant = id, Kind = FaultKind.Delay };
        Faults.Add([calls]);
        return (tenant, calls);
    }

    private void Fail(
        Tenant tenant,
        FaultKind kind,
        string? retryAfter = null,
        string? path = null,
        int? times = null
    ) =>
        Faults.Add([
            new()
            {
                Tenant = tenant.Id,
                Kind = kind,
                Path = path,
                Times = times,
                RetryAfter = retryAfter is null ? null : JsonElement.Parse(retryAfter),
            },
        ]);

    private PacedGraph Graph(Action<GraphOptions>? change = null)
    {
        var known = service.Services.GetRequiredService<IOptions<GraphOptions>>().Value;
        var options = new GraphOptions
        {
            BaseUrl = known.BaseUrl,
            Authority = known.Authority,
            CaFile = known.CaFile,
            ClientId = known.ClientId,
            CertificateFile = known.CertificateFile,
            RetryDelay = known.RetryDelay,
        };
        change?.Invoke(options);
        return new(Options.Create(options));
    }

    /// <summary>Graph as the service sees it, with a pace of its own.</summary>
    private sealed class PacedGraph : IDisposable
    {
        private readonly GraphHttp http;
        private readonly GraphPace pace;
        private readonly GraphDirectory graph;

        public PacedGraph(IOptions<GraphOptions> options)
        {
            (http, pace) = (new(options), new(options));
            graph = new(new(options, http), http, pace, options);
        }

        public Task<byte[]> AnswersAsync(Tenant tenant, DeltaKind stream = DeltaKind.Groups) =>
            graph.ReadPageAsync(tenant.Id, stream, link: null, GraphUrgency.Normal, default);

        public Task<GraphException> FailsAsync(Tenant tenant, DeltaKind stream) =>
            Assert.ThrowsAsync<GraphException>(() => AnswersAsync(tenant, stream));

        public async Task<GraphException?> TryAsync(Tenant tenant)
        {
            try
            {
                await graph.OnceAsync(tenant.Id, g => g.Users.ToGetRequestInformation(), default);
                return null;
            }
            catch (GraphException e)
            {
                return e;
            }
        }

        public void Dispose()
        {
            pace.Dispose();
            http.Dispose();
        }
    }
}
