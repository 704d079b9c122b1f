using System.Security.Cryptography;
using System.Text;

namespace Rollcall.DirectorySync.Graph;

/// <summary>Notices pages that lead round in a circle. Of each link it keeps a digest, since there are thousands of them.</summary>
public sealed class LinkCircle
{
    private readonly HashSet<Guid> followed = [];

    /// <param name="link">Null after the last page.</param>
    /// <exception cref="GraphException">The link was followed before.</exception>
    public void Follow(string? link)
    {
        if (link is not null && !followed.Add(new(SHA256.HashData(Encoding.UTF8.GetBytes(link)).AsSpan(..16))))
        {
            // What was read on the way is no use either: read on from there it would lead round again.
            throw new GraphException(GraphFailure.Unexpected, "CIRCULAR_PAGES", "its pages lead round in a circle");
        }
    }
}
