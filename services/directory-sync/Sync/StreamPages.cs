using System.Runtime.CompilerServices;
using Rollcall.DirectorySync.Graph;
using Rollcall.DirectorySync.Trail;

namespace Rollcall.DirectorySync.Sync;

/// <summary>A stream read to its delta link. Pages beyond the memory window lie in staged_page.</summary>
public sealed record StreamPages(
    DeltaKind Kind,
    bool IsPreview,
    List<byte[]> InMemory,
    int StagedCount,
    string DeltaLink
)
{
    /// <summary>Streams in staged_page from here on belong to a dry run.</summary>
    public const short FirstOfPreview = 2;
    private const int PagesAhead = 1;

    /// <summary>Escrowed objects read again by themselves, which come before the pages.</summary>
    public EscrowRetry? Again { get; init; }

    /// <summary>Of people, where conditions say who is imported.</summary>
    public ImportVerdicts? Verdicts { get; init; }

    /// <summary>With pages of the same stream read after them.</summary>
    public StreamPages With(StreamPages later) =>
        this with
        {
            InMemory = [.. InMemory, .. later.InMemory],
            DeltaLink = later.DeltaLink,
        };

    public int Count => StagedCount + InMemory.Count;

    public static short Number(DeltaKind kind, bool isPreview) =>
        (short)((short)kind + (isPreview ? FirstOfPreview : 0));

    public bool IsEmpty =>
        StagedCount == 0
        && Again is null
        && InMemory.TrueForAll(p => Kind == DeltaKind.Users ? !GraphPage.Users(p).Any() : !GraphPage.Groups(p).Any());

    /// <summary>Reads the bodies in staged_page on a connection of its own, so that pages are parsed while others are written.</summary>
    /// <remarks>Each is there until the next one is asked for.</remarks>
    public required Func<CancellationToken, IAsyncEnumerable<ReadOnlyMemory<byte>>> Staged { get; init; }

    public IAsyncEnumerable<IEnumerable<UserEntry>> UsersAsync(CancellationToken ct) =>
        PagesAsync(ct).Ahead(GraphPage.Users, PagesAhead, ct);

    public IAsyncEnumerable<IEnumerable<GroupEntry>> GroupsAsync(CancellationToken ct) =>
        PagesAsync(ct).Ahead(GraphPage.Groups, PagesAhead, ct);

    private async IAsyncEnumerable<ReadOnlyMemory<byte>> PagesAsync([EnumeratorCancellation] CancellationToken ct)
    {
        var found = 0;
        if (StagedCount > 0)
        {
            await foreach (var page in Staged(ct))
            {
                found++;
                yield return page;
            }
        }

        if (found != StagedCount)
        {
            // Without them people would be missing who are not gone.
            throw new PagesLostException();
        }

        foreach (var page in InMemory)
        {
            yield return page;
        }
    }
}

/// <summary>Postgres came up again without the pages of this round: it is read afresh, and nothing of it applied.</summary>
public sealed class PagesLostException() : Exception("Pages of the round are not in the database any more");
