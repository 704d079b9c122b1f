using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Npgsql;

namespace Rollcall.DirectorySync.Sync;

/// <summary>
/// Rows for COPY, put into its binary format ahead of time. Npgsql's own importer writes while the connection is held,
/// and the database waits for it: with this one it is at the statement before, and gets a batch in one go.
/// </summary>
/// <seealso href="https://www.postgresql.org/docs/current/sql-copy.html">COPY, Binary Format</seealso>
public sealed class CopyRows(int columns)
{
    private static readonly byte[] Head = [.. "PGCOPY\n"u8, 0xff, .. "\r\n\0"u8, 0, 0, 0, 0, 0, 0, 0, 0];
    private static readonly byte[] End = [0xff, 0xff];
    private ArrayBufferWriter<byte> rows = new();
    private ArrayBufferWriter<byte> taken = new();

    /// <summary>Each row begins with it, and has a value for each column.</summary>
    public CopyRows Row()
    {
        if (rows.WrittenCount == 0)
        {
            rows.Write(Head);
        }

        Span<byte> count = stackalloc byte[2];
        BinaryPrimitives.WriteInt16BigEndian(count, (short)columns);
        rows.Write(count);
        return this;
    }

    public CopyRows Add(bool? value) => value is { } known ? AddBytes([known ? (byte)1 : (byte)0]) : AddNull();

    public CopyRows Add(int? value)
    {
        if (value is null)
        {
            return AddNull();
        }

        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value.Value);
        return AddBytes(bytes);
    }

    public CopyRows Add(Guid? value)
    {
        if (value is null)
        {
            return AddNull();
        }

        Span<byte> bytes = stackalloc byte[16];
        value.Value.TryWriteBytes(bytes, bigEndian: true, out _);
        return AddBytes(bytes);
    }

    /// <summary>A timestamptz: microseconds since 2000.</summary>
    public CopyRows Add(DateTimeOffset value)
    {
        Span<byte> bytes = stackalloc byte[8];
        var since = value.UtcTicks - new DateTime(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc).Ticks;
        BinaryPrimitives.WriteInt64BigEndian(bytes, since / TimeSpan.TicksPerMicrosecond);
        return AddBytes(bytes);
    }

    public CopyRows Add(string? value)
    {
        if (value is null)
        {
            return AddNull();
        }

        var size = Encoding.UTF8.GetMaxByteCount(value.Length);
        return size > 1024 ? AddBytes(Encoding.UTF8.GetBytes(value)) : AddShort(value, stackalloc byte[size]);
    }

    /// <summary>A text, in UTF-8.</summary>
    public CopyRows AddBytes(ReadOnlySpan<byte> value)
    {
        AddLength(value.Length);
        rows.Write(value);
        return this;
    }

    /// <summary>What there is, to be sent while others are added. It stays what it is until the next is taken.</summary>
    public ReadOnlyMemory<byte> Take()
    {
        if (rows.WrittenCount > 0)
        {
            rows.Write(End);
        }

        (rows, taken) = (taken, rows);
        rows.ResetWrittenCount();
        return taken.WrittenMemory;
    }

    /// <param name="rows">From <see cref="Take"/>.</param>
    /// <param name="into">Table and columns.</param>
    public static async Task SendAsync(
        ReadOnlyMemory<byte> rows,
        NpgsqlConnection connection,
        string into,
        CancellationToken ct
    )
    {
        if (rows.IsEmpty)
        {
            return;
        }

        await using var copy = await connection.BeginRawBinaryCopyAsync($"copy {into} from stdin (format binary)", ct);
        await copy.WriteAsync(rows, ct);
    }

    private CopyRows AddShort(string value, Span<byte> bytes) =>
        AddBytes(bytes[..Encoding.UTF8.GetBytes(value, bytes)]);

    private CopyRows AddNull()
    {
        AddLength(-1);
        return this;
    }

    private void AddLength(int length)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, length);
        rows.Write(bytes);
    }
}
