using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Rollcall.DirectorySync.Sync;

public static class ReadAhead
{
    /// <summary>Reads and converts on another thread, up to so many items before whoever takes them.</summary>
    public static async IAsyncEnumerable<TResult> Ahead<T, TResult>(
        this IAsyncEnumerable<T> source,
        Func<T, TResult> convert,
        int items,
        [EnumeratorCancellation] CancellationToken ct = default
    )
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var channel = Channel.CreateBounded<TResult>(items);
        var reading = Task.Run(() => FillAsync(source, convert, channel.Writer, stop.Token), CancellationToken.None);
        try
        {
            await foreach (var item in channel.Reader.ReadAllAsync(ct))
            {
                yield return item;
            }
        }
        finally
        {
            await stop.CancelAsync();
            await reading;
        }
    }

    private static async Task FillAsync<T, TResult>(
        IAsyncEnumerable<T> source,
        Func<T, TResult> convert,
        ChannelWriter<TResult> into,
        CancellationToken ct
    )
    {
        try
        {
            await foreach (var item in source.WithCancellation(ct))
            {
                await into.WriteAsync(convert(item), ct);
            }

            into.Complete();
        }
#pragma warning disable CA1031 // whatever it is, whoever takes the items gets to see it
        catch (Exception e)
#pragma warning restore CA1031
        {
            into.Complete(e);
        }
    }
}
