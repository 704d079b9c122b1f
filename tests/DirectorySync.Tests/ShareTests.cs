using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Rollcall.DirectorySync.Graph;
using Rollcall.Testing;
using StackExchange.Redis;

namespace Rollcall.DirectorySync.Tests;

/// <summary>Two instances of the service that call Graph as one application.</summary>
public sealed class ShareTests : IAsyncDisposable
{
    private readonly IOptions<GraphOptions> options = Options.Create(
        new GraphOptions { ClientId = $"{Guid.CreateVersion7()}", AppUnits = 80 }
    );
    private readonly ConnectionMultiplexer redis = ConnectionMultiplexer.Connect(TestServers.Redis);
    private readonly Instance one;
    private readonly Instance other;

    public ShareTests() => (one, other) = (new(redis, options), new(redis, options));

    [Fact]
    public async Task Units_OfTwoInstances_AreThoseOfOneApplication()
    {
        await one.Share.BeatAsync();
        Assert.Equal(1, one.Share.Instances);
        await MeetAsync();
        Assert.Equal((2, 2), (one.Share.Instances, other.Share.Instances));

        // Some come back while a slow machine spends them; alone each would have 40.
        Assert.InRange(await one.SpendAsync(), 20, 30);
        Assert.InRange(await other.SpendAsync(), 20, 30);
    }

    [Fact]
    public async Task RetryAfter_ToldToOne_HoldsTheOther()
    {
        await MeetAsync();
        var (busy, idle) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await one.RefusedAsync(busy, wholeApplication: false);

        var error = await Assert.ThrowsAsync<GraphException>(() => other.CallAsync(busy));

        Assert.Equal("THROTTLED", error.Code);
        Assert.InRange(error.RetryAfter!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10));
        await other.CallAsync(idle);
        await one.RefusedAsync(idle, wholeApplication: true);
        await Assert.ThrowsAsync<GraphException>(() => other.CallAsync(Guid.CreateVersion7()));
    }

    [Fact]
    public async Task Redis_Away_EachGoesByWhatItKnows()
    {
        await MeetAsync();
        var directory = Guid.CreateVersion7();
        await one.RefusedAsync(directory, wholeApplication: false);
        await redis.CloseAsync();

        await one.Share.BeatAsync();

        Assert.Equal(2, one.Share.Instances);
        await Assert.ThrowsAsync<GraphException>(() => one.CallAsync(directory));
        await one.CallAsync(Guid.CreateVersion7());
        await other.CallAsync(directory);
    }

    public async ValueTask DisposeAsync()
    {
        one.Dispose();
        other.Dispose();
        await redis.DisposeAsync();
    }

    private async Task MeetAsync()
    {
        await one.Share.BeatAsync();
        await other.Share.BeatAsync();
        await one.Share.BeatAsync();
    }

    private sealed class Instance : IDisposable
    {
        private readonly GraphPace pace;

        public Instance(IConnectionMultiplexer redis, IOptions<GraphOptions> options)
        {
            Share = new(redis, options, NullLogger<GraphShare>.Instance);
            pace = new(options, Share);
        }

        public GraphShare Share { get; }

        public Task<int> CallAsync(Guid directory) => CallAsync(directory, _ => ValueTask.FromResult(1));

        public Task<GraphException> RefusedAsync(Guid directory, bool wholeApplication) =>
            Assert.ThrowsAsync<GraphException>(() =>
                CallAsync(
                    directory,
                    _ =>
                        throw new GraphException(GraphFailure.Throttled, "TooManyRequests", "busy")
                        {
                            WholeApplication = wholeApplication,
                            RetryAfter = TimeSpan.FromMinutes(10),
                        }
                )
            );

        /// <summary>How many calls there are before our own limit.</summary>
        public async Task<int> SpendAsync()
        {
            const int tooMany = 1000;
            var calls = 0;
            try
            {
                for (; calls < tooMany; calls++)
                {
                    await CallAsync(Guid.CreateVersion7());
                }
            }
            catch (GraphException e) when (e.Code == "OWN_LIMIT")
            {
                // Spent.
            }

            return calls;
        }

        public void Dispose()
        {
            pace.Dispose();
            Share.Dispose();
        }

        private Task<int> CallAsync(Guid directory, Func<CancellationToken, ValueTask<int>> call) =>
            pace.CallAsync(directory, GraphUrgency.Normal, 1, call, default);
    }
}
