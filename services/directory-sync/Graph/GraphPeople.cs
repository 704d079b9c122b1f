using System.Text;

namespace Rollcall.DirectorySync.Graph;

/// <summary>Reads single users whole: a delta entry of somebody we know by id alone may tell a part only.</summary>
public sealed class GraphPeople(GraphBatch batch)
{
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
        var bodies = await batch.ReadAsync(directory, objectIds, id => $"/users/{id}{Query}", ct);
        return bodies.ToDictionary(
            b => b.Key,
            b => b.Value is { } body ? GraphPage.User(Encoding.UTF8.GetBytes(body.GetRawText())) : null
        );
    }
}
