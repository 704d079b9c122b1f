using System.Globalization;
using System.Text;
using Microsoft.Graph;
using Microsoft.Graph.Users.Item;
using Microsoft.Kiota.Abstractions;

namespace Rollcall.DirectorySync.Graph;

/// <summary>Requests about one thing.</summary>
public sealed partial class GraphDirectory
{
    /// <summary>
    /// One request about one thing, without the retries: for callers with a schedule of their own and for requests with a
    /// body. That the thing is not there is an answer, no trouble.
    /// </summary>
    public Task<byte[]> OnceAsync(
        Guid directory,
        Func<GraphServiceClient, RequestInformation> request,
        CancellationToken ct
    ) => OnceAsync(directory, graph => Single(request(graph)), GraphUrgency.Normal, ct);

    private static RequestInformation Single(RequestInformation request)
    {
        request.AddRequestOptions([new MayBeMissing()]);
        return request;
    }

    /// <summary>How many users the directory has; guests and disabled ones count too.</summary>
    public async Task<int> CountUsersAsync(Guid directory, CancellationToken ct)
    {
        var body = await OnceAsync(
            directory,
            graph => graph.Users.Count.ToGetRequestInformation(c => c.Headers.Add("ConsistencyLevel", "eventual")),
            ct
        );

        // The real one begins with a byte order mark.
        return int.TryParse(
            Encoding.UTF8.GetString(body).Trim('\uFEFF', ' ', '\n'),
            CultureInfo.InvariantCulture,
            out var count
        )
            ? count
            : throw GraphException.Garbage("a count is no number", inner: null);
    }

    /// <summary>The raw JSON of one user with its manager, by object id or user principal name; null if there is none.</summary>
    public async Task<byte[]?> FindUserAsync(Guid directory, string key, CancellationToken ct) =>
        await retry.ExecuteAsync(
            async token =>
            {
                try
                {
                    return await OnceAsync(
                        directory,
                        graph => Single(graph.Users[key].ToGetRequestInformation(WithManager)),
                        GraphUrgency.High,
                        token
                    );
                }
                catch (GraphException e) when (e.Status is 400 or 404)
                {
                    // 400: no name that a user could have.
                    return null;
                }
            },
            ct
        );

    private static void WithManager(
        RequestConfiguration<UserItemRequestBuilder.UserItemRequestBuilderGetQueryParameters> c
    )
    {
        c.QueryParameters.Select = ["id", .. EntraProperties.User];
        c.QueryParameters.Expand = ["manager($select=id)"];
    }

    /// <summary>Marks a request whose 404 says something about one object and nothing about the directory.</summary>
    private sealed class MayBeMissing : IRequestOption;
}
