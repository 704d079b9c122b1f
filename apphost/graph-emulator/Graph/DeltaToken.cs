using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Rollcall.GraphEmulator.Model;

namespace Rollcall.GraphEmulator.Graph;

/// <summary>
/// The signed contents of $skiptoken and $deltatoken. Position is where the round starts in the change log, End where
/// it will end (the next delta link's position); At and Offset say how far the pages have come.
/// </summary>
public readonly record struct DeltaToken
{
    // Signs links of a development double, protects nothing; fixed so that links survive a restart.
    private static readonly byte[] Key = SHA256.HashData("rollcall graph emulator links"u8);
    private const int FixedLength = 16 + 16 + 3 + 8 * 6;
    private const int TagLength = 8;

    public required Guid TenantId { get; init; }
    public required Guid Generation { get; init; }
    public required bool Groups { get; init; }

    /// <summary>A page of a running round ($skiptoken) rather than the end of one.</summary>
    public required bool Page { get; init; }
    public required bool Initial { get; init; }
    public required ulong Mask { get; init; }
    public required long Position { get; init; }
    public required long End { get; init; }
    public required long At { get; init; }
    public int Offset { get; init; }
    public required DateTimeOffset IssuedAt { get; init; }

    /// <summary>The text of $select, for the context address; null when there was none.</summary>
    public string? Select { get; init; }

    /// <summary>Ids of a $filter; null = everything.</summary>
    public Guid[]? Ids { get; init; }

    public Schema Schema => Groups ? Schema.Groups : Schema.Users;

    public string Encode()
    {
        var select = Encoding.UTF8.GetBytes(Select ?? "");
        var bytes = new byte[FixedLength + 2 + select.Length + 1 + 16 * (Ids?.Length ?? 0) + TagLength];
        var span = bytes.AsSpan();
        TenantId.TryWriteBytes(span);
        Generation.TryWriteBytes(span[16..]);
        span[32] = (byte)(Groups ? 1 : 0);
        span[33] = (byte)(Page ? 1 : 0);
        span[34] = (byte)((Initial ? 1 : 0) | (Select is null ? 2 : 0) | (Ids is null ? 4 : 0));
        long[] numbers = [(long)Mask, Position, End, At, IssuedAt.UtcTicks, Offset];
        for (var i = 0; i < numbers.Length; i++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(span[(35 + 8 * i)..], numbers[i]);
        }

        var rest = span[FixedLength..];
        BinaryPrimitives.WriteUInt16LittleEndian(rest, (ushort)select.Length);
        select.CopyTo(rest[2..]);
        rest = rest[(2 + select.Length)..];
        rest[0] = (byte)(Ids?.Length ?? 0);
        foreach (var (index, id) in (Ids ?? []).Index())
        {
            id.TryWriteBytes(rest[(1 + 16 * index)..]);
        }

        Tag(span[..^TagLength]).CopyTo(span[^TagLength..]);
        return Base64Url.EncodeToString(bytes);
    }

    /// <summary>Null when the text is not one of ours or was changed.</summary>
    public static DeltaToken? Decode(string text)
    {
        if (!Base64Url.IsValid(text))
        {
            return null;
        }

        var bytes = Base64Url.DecodeFromChars(text);
        if (
            bytes.Length < FixedLength + 3 + TagLength
            || !Tag(bytes.AsSpan()[..^TagLength]).SequenceEqual(bytes.AsSpan()[^TagLength..])
        )
        {
            return null;
        }

        var span = bytes.AsSpan();
        var selectLength = BinaryPrimitives.ReadUInt16LittleEndian(span[FixedLength..]);
        var select = Encoding.UTF8.GetString(span.Slice(FixedLength + 2, selectLength));
        var ids = new Guid[span[FixedLength + 2 + selectLength]];
        for (var i = 0; i < ids.Length; i++)
        {
            ids[i] = new(span.Slice(FixedLength + 3 + selectLength + 16 * i, 16));
        }

        return new()
        {
            TenantId = new(span[..16]),
            Generation = new(span[16..32]),
            Groups = span[32] == 1,
            Page = span[33] == 1,
            Initial = (span[34] & 1) != 0,
            Mask = (ulong)Number(bytes, 0),
            Position = Number(bytes, 1),
            End = Number(bytes, 2),
            At = Number(bytes, 3),
            IssuedAt = new(Number(bytes, 4), TimeSpan.Zero),
            Offset = (int)Number(bytes, 5),
            Select = (span[34] & 2) != 0 ? null : select,
            Ids = (span[34] & 4) != 0 ? null : ids,
        };
    }

    private static long Number(byte[] bytes, int index) =>
        BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(35 + 8 * index));

    private static ReadOnlySpan<byte> Tag(ReadOnlySpan<byte> content) =>
        HMACSHA256.HashData(Key, content).AsSpan(0, TagLength);
}
