using System.Text;
using Microsoft.Extensions.Options;

namespace Rollcall.DirectorySync.Graph;

/// <summary>Reads single users whole: a delta entry of somebody we know by id alone may tell a part only.</summary>
public sealed class GraphPeople(GraphBatch batch, IOptions<GraphOptions> options)
{
    private const int Attempts = 5;
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);
    private static readonly string Query =
        $"?$select=id,{string.Join(',', EntraProperties.User)}&$expand=manager($select=id)";

    /// <summary>Every named user as it is now; null for one the directory does not have.</summary>
    /// <exception cref="GraphException">One of them could not be read, after some attempts.</exception>
    public async Task<Dictionary<Guid, UserEntry?>> ReadAsync(
        Guid directory,
        IReadOnlyCollection<Guid> objectIds,
        CancellationToken ct
    )
    {
        var read = new Dictionary<Guid, UserEntry?>();
        foreach (var chunk in objectIds.Chunk(GraphBatch.Size))
        {
            await ReadAsync(directory, chunk, read, ct);
        }

        return read;
    }

    private async Task ReadAsync(Guid directory, Guid[] wanted, Dictionary<Guid, UserEntry?> read, CancellationToken ct)
    {
        for (var attempt = 1; wanted.Length > 0; attempt++)
        {
            var answers = await batch.GetAsync(directory, [.. wanted.Select(id => $"/users/{id}{Query}")], ct);
            foreach (var (id, answer) in wanted.Zip(answers).Where(a => !a.Second.IsTransient))
            {
                read[id] = answer.Status switch
                {
                    200 => GraphPage.User(Encoding.UTF8.GetBytes(answer.Body.GetRawText())),
                    404 => null,
                    _ => throw new GraphException(
                        GraphFailure.Unexpected,
                        answer.ErrorCode,
                        $"Microsoft Graph answered {answer.Status} {answer.ErrorCode} for a user"
                    ),
                };
            }

            wanted = [.. wanted.Where(id => !read.ContainsKey(id))];
            if (wanted.Length > 0)
            {
                await WaitAsync(answers, attempt, ct);
            }
        }
    }

    private async Task WaitAsync(List<BatchAnswer> answers, int attempt, CancellationToken ct)
    {
        var slow = answers.First(a => a.IsTransient);
        if (attempt == Attempts)
        {
            throw new GraphException(
                GraphFailure.Transient,
                slow.ErrorCode,
                $"Microsoft Graph answered {slow.Status} for a user, {Attempts} times"
            );
        }

        var wait = answers.Max(a => a.RetryAfter) ?? options.Value.RetryDelay * Math.Pow(2, attempt);
        await Task.Delay(wait < LongestWait ? wait : LongestWait, ct);
    }
}
