using System.Data;
using System.Runtime.CompilerServices;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using Rollcall.DirectorySync.Data;
using Rollcall.DirectorySync.Graph;

namespace Rollcall.DirectorySync.Sync;

/// <summary>Pages of rounds that are too big for memory, in staged_page: a crash resumes behind the last of them.</summary>
public sealed class PageStore(IServiceScopeFactory scopes)
{
    /// <param name="origin">How the round begins: pages of another one are forgotten.</param>
    /// <returns>How many pages of the stream are there, and the last one's link.</returns>
    public async Task<(int Staged, string? Link, string? Delta)> ResumeAsync(
        SyncLease lease,
        DeltaKind kind,
        string origin,
        CancellationToken ct
    ) =>
        await InTenantAsync(
            lease,
            async db =>
            {
                var stream = StreamPages.Number(kind, lease.IsPreview);
                var pages = db.StagedPages.Where(p => p.ClientId == lease.ClientId && p.Stream == stream);
                var last = await pages
                    .OrderByDescending(p => p.Page)
                    .Select(p => new
                    {
                        p.Page,
                        p.Origin,
                        p.NextLink,
                        p.DeltaLink,
                    })
                    .FirstOrDefaultAsync(ct);

                // A crash of Postgres empties the table, and a round that was under way puts later pages into it.
                if (last is not null && last.Origin == origin && await pages.CountAsync(ct) == last.Page + 1)
                {
                    return (last.Page + 1, last.NextLink, last.DeltaLink);
                }

                // Pages of a round that was given up, is to start afresh, or has lost its beginning.
                await pages.ExecuteDeleteAsync(ct);
                return (0, null, null);
            },
            ct
        );

    /// <param name="first">The number of the first of them.</param>
    /// <exception cref="LeaseLostException">Another worker has the client.</exception>
    public Task AddAsync(
        SyncLease lease,
        DeltaKind kind,
        string origin,
        int first,
        List<(byte[] Body, string? Next, string? Delta)> window,
        CancellationToken ct
    ) =>
        InTenantAsync(
            lease,
            async db =>
            {
                // Pages of a worker that has lost the client would end up in somebody else's round.
                var held = await db
                    .ClientSyncs.Where(s => s.ClientId == lease.ClientId && s.Fence == lease.Fence)
                    .ExecuteUpdateAsync(s => s.SetProperty(x => x.HasPages, true), ct);
                if (held == 0)
                {
                    throw new LeaseLostException();
                }

                db.StagedPages.AddRange(
                    window.Select(
                        (page, i) =>
                            new StagedPage
                            {
                                MspId = lease.MspId,
                                ClientId = lease.ClientId,
                                Stream = StreamPages.Number(kind, lease.IsPreview),
                                Page = first + i,
                                Origin = origin,
                                Body = page.Body,
                                NextLink = page.Next,
                                DeltaLink = page.Delta,
                            }
                    )
                );
                return true;
            },
            ct
        );

    /// <summary>The bodies, in order.</summary>
    /// <remarks>Each is there until the next one is asked for.</remarks>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync(
        SyncLease lease,
        DeltaKind kind,
        [EnumeratorCancellation] CancellationToken ct
    )
    {
        await using var scope = scopes.Enter(lease);
        var db = scope.ServiceProvider.GetRequiredService<DirectoryDbContext>();
        await using var transaction = await db.BeginAsync(ct);
        await using var command = new NpgsqlCommand(
            "select length(body), body from staged_page where client_id = $1 and stream = $2 order by page",
            (NpgsqlConnection)db.Database.GetDbConnection()
        );
        command.Parameters.Add(new() { Value = lease.ClientId });
        command.Parameters.Add(new() { Value = StreamPages.Number(kind, lease.IsPreview) });
        // Into one buffer: an array of such a size for each page is what the garbage collector has most work with.
        byte[] buffer = [];
        await using var reader = await command.ExecuteReaderAsync(CommandBehavior.SequentialAccess, ct);
        while (await reader.ReadAsync(ct))
        {
            var size = reader.GetInt32(0);
            buffer = size > buffer.Length ? new byte[size] : buffer;
            await using var body = await reader.GetStreamAsync(1, ct);
            await body.ReadExactlyAsync(buffer.AsMemory(0, size), ct);
            yield return buffer.AsMemory(0, size);
        }
    }

    private async Task<T> InTenantAsync<T>(
        SyncLease lease,
        Func<DirectoryDbContext, Task<T>> work,
        CancellationToken ct
    )
    {
        await using var scope = scopes.Enter(lease);
        var db = scope.ServiceProvider.GetRequiredService<DirectoryDbContext>();
        await using var transaction = await db.BeginAsync(ct);
        var result = await work(db);
        await db.SaveChangesAsync(ct);
        await transaction.CommitAsync(ct);
        return result;
    }
}
