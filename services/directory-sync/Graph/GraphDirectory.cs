using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Microsoft.Graph;
using Microsoft.Kiota.Abstractions;
using Microsoft.Kiota.Abstractions.Authentication;
using Microsoft.Kiota.Http.HttpClientLibrary;
using Polly;
using Polly.Retry;

namespace Rollcall.DirectorySync.Graph;

/// <summary>The two delta streams of a directory.</summary>
public enum DeltaKind
{
    Users,
    Groups,
}

/// <summary>Reads a client's directory from Microsoft Graph. The SDK builds and signs requests; pages stay raw JSON.</summary>
public sealed partial class GraphDirectory(
    GraphTokens tokens,
    GraphHttp http,
    GraphPace pace,
    IOptions<GraphOptions> options
)
{
    private const string Timeout = "GRAPH_TIMEOUT";

    /// <summary>Longer ones end the attempt: whoever waits gives its place to others.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(2);

    private readonly ResiliencePipeline retry = new ResiliencePipelineBuilder()
        .AddRetry(
            new RetryStrategyOptions
            {
                MaxRetryAttempts = 3,
                BackoffType = DelayBackoffType.Exponential,
                Delay = options.Value.RetryDelay,
                MaxDelay = LongestWait,
                UseJitter = true,
                ShouldHandle = new PredicateBuilder().Handle<GraphException>(e =>
                    e is { Failure: GraphFailure.Transient or GraphFailure.Throttled, Code: not Timeout }
                    && !(e.RetryAfter > LongestWait)
                ),
                DelayGenerator = a =>
                    ValueTask.FromResult(
                        a.Outcome.Exception is GraphException { RetryAfter: { } t }
                            ? t * (1 + (Random.Shared.NextDouble() * 0.2))
                            : (TimeSpan?)null
                    ),
            }
        )
        .Build();

    /// <summary>The raw JSON of one page: the one the link names, or the first of a full round.</summary>
    /// <exception cref="GraphException">After the retries that make sense.</exception>
    public async Task<byte[]> ReadPageAsync(
        Guid directory,
        DeltaKind stream,
        string? link,
        GraphUrgency urgency,
        CancellationToken ct
    )
    {
        if (link is not null && !IsOf(stream, link))
        {
            // It would be answered, with the other stream's objects or with nothing for ever.
            throw new GraphException(GraphFailure.ResyncRequired, "WRONG_STREAM", $"The link is none of {stream}");
        }

        var graph = For(directory);
        var request = stream switch
        {
            DeltaKind.Users when link is null => graph.Users.Delta.ToGetRequestInformation(c =>
                c.QueryParameters.Select = EntraProperties.UserSelect
            ),
            DeltaKind.Users => graph.Users.Delta.WithUrl(link).ToGetRequestInformation(),
            DeltaKind.Groups when link is null => graph.Groups.Delta.ToGetRequestInformation(c =>
                c.QueryParameters.Select = EntraProperties.GroupSelect
            ),
            DeltaKind.Groups => graph.Groups.Delta.WithUrl(link).ToGetRequestInformation(),
        };
        return await RetryAsync(directory, _ => request, urgency, ct);
    }

    private static bool IsOf(DeltaKind stream, string link) =>
        Uri.TryCreate(link, UriKind.Absolute, out var address)
        && address.AbsolutePath.Contains(
            stream == DeltaKind.Users ? "/users/" : "/groups/",
            StringComparison.OrdinalIgnoreCase
        );

    /// <summary>The answer to several requests sent as one; see <see cref="GraphBatch"/>.</summary>
    /// <exception cref="GraphException">After the retries that make sense.</exception>
    public Task<byte[]> BatchAsync(Guid directory, byte[] requests, CancellationToken ct) =>
        RetryAsync(
            directory,
            _ =>
            {
                var request = new RequestInformation
                {
                    HttpMethod = Method.POST,
                    UrlTemplate = "{+baseurl}/$batch",
                    PathParameters = { ["baseurl"] = options.Value.BaseUrl.ToString().TrimEnd('/') },
                };
                request.SetStreamContent(new MemoryStream(requests), "application/json");
                return request;
            },
            GraphUrgency.Low,
            ct
        );

    private async Task<byte[]> RetryAsync(
        Guid directory,
        Func<GraphServiceClient, RequestInformation> request,
        GraphUrgency urgency,
        CancellationToken ct
    ) => await retry.ExecuteAsync(async token => await OnceAsync(directory, request, urgency, token), ct);

    private async Task<byte[]> OnceAsync(
        Guid directory,
        Func<GraphServiceClient, RequestInformation> request,
        GraphUrgency urgency,
        CancellationToken ct
    )
    {
        var graph = For(directory);
        try
        {
            return await PacedAsync(directory, graph, request(graph), urgency, ct);
        }
        catch (GraphException e) when (e.Code == "InvalidAuthenticationToken")
        {
            // Revoked or rotated under us: sign-in knows more, and says so.
            await tokens.GetAsync(directory, fresh: true, ct);
            return await PacedAsync(directory, graph, request(graph), urgency, ct);
        }
    }

    private Task<byte[]> PacedAsync(
        Guid directory,
        GraphServiceClient graph,
        RequestInformation request,
        GraphUrgency urgency,
        CancellationToken ct
    )
    {
        request.Headers.TryAdd("x-ms-throttle-priority", urgency.ToString());
        var cost = request.UrlTemplate?.EndsWith("/$batch", StringComparison.Ordinal) == true ? 20 : 1;
        return pace.CallAsync(directory, urgency, cost, async token => await InTimeAsync(graph, request, token), ct);
    }

    /// <summary>The timeout is for the whole answer: a body that dribbles is as bad as one that never begins.</summary>
    private async Task<byte[]> InTimeAsync(GraphServiceClient graph, RequestInformation request, CancellationToken ct)
    {
        using var time = CancellationTokenSource.CreateLinkedTokenSource(ct);
        time.CancelAfter(options.Value.CallTimeout);
        try
        {
            return await SendAsync(graph, request, time.Token);
        }
        catch (OperationCanceledException e) when (!ct.IsCancellationRequested)
        {
            throw new GraphException(GraphFailure.Transient, Timeout, "Microsoft Graph did not answer in time", e);
        }
    }

    /// <summary>Proves a consent: a new token, its roles, and one read. Returns the granted permissions.</summary>
    public async Task<List<string>> VerifyAsync(Guid directory, CancellationToken ct)
    {
        // Tokens cached from before the consent lack its permissions.
        var token = await tokens.GetAsync(directory, fresh: true, ct);
        var roles = RolesOf(token);
        var graph = For(directory);
        var request = graph.Users.ToGetRequestInformation(c =>
        {
            c.QueryParameters.Top = 1;
            c.QueryParameters.Select = ["id"];
        });
        await RetryAsync(directory, _ => request, GraphUrgency.High, ct);
        return roles;
    }

    private GraphServiceClient For(Guid directory) =>
        new(
            new HttpClientRequestAdapter(new Tokens(tokens, directory), httpClient: http.Client)
            {
                BaseUrl = options.Value.BaseUrl.ToString().TrimEnd('/'),
            }
        );

    private static async Task<byte[]> SendAsync(
        GraphServiceClient graph,
        RequestInformation request,
        CancellationToken ct
    )
    {
        var native = new NativeResponseHandler();
        request.SetResponseHandler(native);
        try
        {
            await graph.RequestAdapter.SendPrimitiveAsync<Stream>(request, cancellationToken: ct);
            using var response = (HttpResponseMessage)native.Value!;
            var body = await response.Content.ReadAsByteArrayAsync(ct);
            return response.IsSuccessStatusCode
                ? body
                : throw Explain(response, body, request.RequestOptions.OfType<MayBeMissing>().Any());
        }
        catch (Exception e) when (e is HttpRequestException or IOException && !ct.IsCancellationRequested)
        {
            throw new GraphException(
                GraphFailure.Transient,
                "GRAPH_UNREACHABLE",
                "the connection to Microsoft Graph broke",
                e
            );
        }
    }

    /// <summary>Source: Microsoft's error codes; only what is documented decides, everything else is shown.</summary>
    private static GraphException Explain(HttpResponseMessage response, byte[] body, bool mayBeMissing)
    {
        var (code, message) = ErrorOf(body);
        var wait = GraphWaits.Of(response.Headers);
        var resync =
            code is "syncStateNotFound" or "resyncRequired" or "syncStateInvalid"
            || message.Contains("Badly formed token", StringComparison.OrdinalIgnoreCase)
            || message.Contains("sync state", StringComparison.OrdinalIgnoreCase);
        var failure = response.StatusCode switch
        {
            HttpStatusCode.Gone => GraphFailure.ResyncRequired,
            HttpStatusCode.BadRequest or HttpStatusCode.NotFound when resync => GraphFailure.ResyncRequired,

            // The page's token aged while the round was under way: begin the round again.
            HttpStatusCode.BadRequest when code is "Directory_ExpiredPageToken" => GraphFailure.ResyncRequired,
            HttpStatusCode.Forbidden when code is "Authorization_RequestDenied" => GraphFailure.PermissionMissing,
            HttpStatusCode.Forbidden when code is "Authorization_IdentityNotFound" => GraphFailure.ConsentRemoved,
            HttpStatusCode.TooManyRequests => GraphFailure.Throttled,
            HttpStatusCode.NotFound when mayBeMissing => GraphFailure.Unexpected,
            HttpStatusCode.NotFound or HttpStatusCode.Unauthorized => GraphFailure.Transient,

            // Busy rather than broken if it says for how long.
            >= HttpStatusCode.InternalServerError when wait is not null => GraphFailure.Throttled,
            >= HttpStatusCode.InternalServerError => GraphFailure.Transient,
            _ => GraphFailure.Unexpected,
        };
        return new(failure, code, $"Microsoft Graph answered {(int)response.StatusCode} {code}")
        {
            Status = (int)response.StatusCode,
            RetryAfter = wait,
            WholeApplication =
                response.Headers.TryGetValues("x-ms-throttle-scope", out var scope)
                && scope.First().StartsWith("Application/", StringComparison.Ordinal),
        };
    }

    private static (string Code, string Message) ErrorOf(byte[] body)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            var error = json.RootElement.GetProperty("error");
            return (error.GetProperty("code").GetString() ?? "", error.GetProperty("message").GetString() ?? "");
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            // An HTML page of a gateway, for instance: the status decides.
            return ("NO_ERROR_CODE", "");
        }
    }

    private static List<string> RolesOf(string token)
    {
        var payload = token.Split('.') is [_, var middle, _] ? middle : "";
        using var json = JsonDocument.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(payload));
        return json.RootElement.TryGetProperty("roles", out var roles)
            ? [.. roles.EnumerateArray().Select(r => r.GetString()!).Order(StringComparer.Ordinal)]
            : [];
    }

    /// <summary>The SDK attaches no token to hosts it does not know, national clouds' proxies and the emulator among them.</summary>
    private sealed class Tokens(GraphTokens tokens, Guid directory) : IAuthenticationProvider
    {
        public async Task AuthenticateRequestAsync(
            RequestInformation request,
            Dictionary<string, object>? additionalAuthenticationContext = null,
            CancellationToken cancellationToken = default
        )
        {
            var token = await tokens.GetAsync(directory, fresh: false, cancellationToken);
            request.Headers.Remove("Authorization");
            request.Headers.Add("Authorization", $"Bearer {token}");
        }
    }
}
