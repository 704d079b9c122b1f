using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Options;

namespace Rollcall.DirectorySync.Graph;

/// <summary>What Graph answered to one request of a batch.</summary>
/// <param name="RetryAfter">How long this request should wait, where Graph said so.</param>
public sealed record BatchAnswer(int Status, TimeSpan? RetryAfter, JsonElement Body)
{
    /// <summary>Graph's error code; empty if there is none.</summary>
    public string ErrorCode =>
        Body.ValueKind == JsonValueKind.Object
        && Body.TryGetProperty("error", out var error)
        && error.TryGetProperty("code", out var code)
            ? code.GetString() ?? ""
            : "";

    public bool IsTransient => Status is 429 or >= 500;

    /// <summary>What was asked for; null if the directory does not have it.</summary>
    public JsonElement? Found() =>
        Status switch
        {
            200 => Body,
            404 => null,
            _ => throw new GraphException(
                GraphFailure.Unexpected,
                ErrorCode,
                $"Microsoft Graph answered {Status} {ErrorCode} for an object"
            ),
        };
}

/// <summary>Reads many things in few requests: twenty at a time, each throttled and answered by itself, in any order.</summary>
public sealed class GraphBatch(GraphDirectory graph, IOptions<GraphOptions> options)
{
    public const int Size = 20;
    private const int Attempts = 5;
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    /// <summary>Something of each object, as many batches as it takes; null for an object the directory does not have.</summary>
    /// <exception cref="GraphException">One of them could not be read, after some attempts.</exception>
    public async Task<Dictionary<Guid, JsonElement?>> ReadAsync(
        Guid directory,
        IReadOnlyCollection<Guid> objectIds,
        Func<Guid, string> url,
        CancellationToken ct
    )
    {
        var read = new Dictionary<Guid, JsonElement?>();
        foreach (var chunk in objectIds.Chunk(Size))
        {
            var wanted = chunk;
            for (var attempt = 1; wanted.Length > 0; attempt++)
            {
                var answers = await GetAsync(directory, [.. wanted.Select(url)], ct);
                foreach (var (id, answer) in wanted.Zip(answers).Where(a => !a.Second.IsTransient))
                {
                    read[id] = answer.Found();
                }

                wanted = [.. wanted.Where(id => !read.ContainsKey(id))];
                if (wanted.Length > 0)
                {
                    await WaitAsync(answers, attempt, ct);
                }
            }
        }

        return read;
    }

    /// <summary>A list of each object, to its end; empty for an object the directory does not have.</summary>
    /// <exception cref="GraphException">One of them could not be read, after some attempts.</exception>
    public async Task<List<(Guid Of, JsonElement Item)>> ListAsync(
        Guid directory,
        IEnumerable<Guid> objectIds,
        Func<Guid, string> url,
        CancellationToken ct
    )
    {
        var items = new List<(Guid, JsonElement)>();
        var urls = objectIds.ToDictionary(id => id, url);
        var circles = urls.ToDictionary(u => u.Key, _ => new LinkCircle());
        while (urls.Count > 0)
        {
            var asked = urls;
            var pages = await ReadAsync(directory, asked.Keys, id => asked[id], ct);
            urls = [];
            foreach (var (id, page) in pages.Where(p => p.Value is not null))
            {
                var (list, next) = Page(page!.Value);
                items.AddRange(list.EnumerateArray().Select(item => (id, item)));
                if (next is not null)
                {
                    circles[id].Follow(next);
                    urls[id] = next;
                }
            }
        }

        return items;
    }

    /// <param name="urls">At most <see cref="Size"/>, relative to the version, such as "/users/{id}".</param>
    /// <returns>An answer for each url, in the order of the urls; one that was left out counts as transient.</returns>
    /// <exception cref="GraphException">The batch itself failed.</exception>
    public async Task<List<BatchAnswer>> GetAsync(Guid directory, IReadOnlyList<string> urls, CancellationToken ct)
    {
        var requests = urls.Select(
            (url, i) =>
                new
                {
                    id = Id(i),
                    method = "GET",
                    url,
                }
        );
        var body = JsonSerializer.SerializeToUtf8Bytes(new { requests });
        var answers = Read(await graph.BatchAsync(directory, body, ct));
        return [.. urls.Select((_, i) => answers.GetValueOrDefault(Id(i)) ?? new(503, RetryAfter: null, default))];
    }

    private async Task WaitAsync(List<BatchAnswer> answers, int attempt, CancellationToken ct)
    {
        var slow = answers.First(a => a.IsTransient);
        if (attempt == Attempts)
        {
            throw new GraphException(
                GraphFailure.Transient,
                slow.ErrorCode,
                $"Microsoft Graph answered {slow.Status} for an object, {Attempts} times"
            );
        }

        var wait = answers.Max(a => a.RetryAfter) ?? options.Value.RetryDelay * Math.Pow(2, attempt);
        await Task.Delay(wait < LongestWait ? wait : LongestWait, ct);
    }

    /// <summary>A batch takes relative urls only: whatever host a link names, it is asked of Graph.</summary>
    private (JsonElement List, string? Next) Page(JsonElement body)
    {
        var version = options.Value.BaseUrl.AbsolutePath.TrimEnd('/');
        if (!body.TryGetProperty("value", out var list) || list.ValueKind != JsonValueKind.Array)
        {
            throw GraphException.Garbage("a list is not as documented", inner: null);
        }

        if (!body.TryGetProperty("@odata.nextLink", out var link))
        {
            return (list, null);
        }

        return
            Uri.TryCreate(link.GetString(), UriKind.Absolute, out var next)
            && next.AbsolutePath.StartsWith(version + '/', StringComparison.Ordinal)
            ? (list, next.PathAndQuery[version.Length..])
            : throw GraphException.Garbage("the link to the rest of a list is not as documented", inner: null);
    }

    private static string Id(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static Dictionary<string, BatchAnswer> Read(byte[] body)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            return json
                .RootElement.GetProperty("responses")
                .EnumerateArray()
                .ToDictionary(r => r.GetProperty("id").GetString()!, ReadAnswer, StringComparer.Ordinal);
        }
        catch (Exception e)
            when (e is JsonException or KeyNotFoundException or InvalidOperationException or ArgumentException)
        {
            throw GraphException.Garbage("the answer to a batch is not as documented", e);
        }
    }

    private static BatchAnswer ReadAnswer(JsonElement response) =>
        new(
            response.GetProperty("status").GetInt32(),
            response.TryGetProperty("headers", out var headers)
            && headers.TryGetProperty("Retry-After", out var after)
            && int.TryParse(after.GetString(), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
                ? TimeSpan.FromSeconds(seconds)
                : null,
            response.TryGetProperty("body", out var body) ? body.Clone() : default
        );
}
