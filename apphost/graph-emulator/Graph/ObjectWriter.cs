using System.Numerics;
using System.Text.Json;
using Rollcall.GraphEmulator.Model;

namespace Rollcall.GraphEmulator.Graph;

/// <summary>Writes directory objects from their pre-encoded values.</summary>
public static class ObjectWriter
{
    public static readonly JsonEncodedText Id = JsonEncodedText.Encode("id");
    public static readonly JsonEncodedText Type = JsonEncodedText.Encode("@odata.type");
    public static readonly JsonEncodedText Removed = JsonEncodedText.Encode("@removed");
    public static readonly JsonEncodedText Reason = JsonEncodedText.Encode("reason");
    public static readonly JsonEncodedText Value = JsonEncodedText.Encode("value");

    /// <summary>
    /// Properties of the mask. A property that was never set is left out in delta pages but is null in plain reads.
    /// </summary>
    public static void Properties(
        Utf8JsonWriter writer,
        Schema schema,
        byte[]?[] values,
        ulong mask,
        bool nullWhenUnset
    )
    {
        for (var rest = mask & schema.AllMask; rest != 0; rest &= rest - 1)
        {
            var place = BitOperations.TrailingZeroCount(rest);
            if ((values[place] ?? (nullWhenUnset ? JsonText.Null : null)) is { } json)
            {
                writer.WritePropertyName(schema.Names[place]);
                writer.WriteRawValue(json, skipInputValidation: true);
            }
        }
    }

    /// <summary>An object as plain reads return it.</summary>
    public static void Live(Utf8JsonWriter writer, DirectoryObject target, ulong mask, bool withType = false)
    {
        writer.WriteStartObject();
        if (withType)
        {
            writer.WriteString(Type, target.Schema.OdataType);
        }

        writer.WriteString(Id, target.Id);
        Properties(writer, target.Schema, target.Values, mask, nullWhenUnset: true);
        writer.WriteEndObject();
    }

    /// <summary>An object as a link names it: type and id, optionally as removed.</summary>
    public static void Reference(Utf8JsonWriter writer, DirectoryObject target, bool removed)
    {
        writer.WriteStartObject();
        writer.WriteString(Type, target.Schema.OdataType);
        writer.WriteString(Id, target.Id);
        if (removed)
        {
            writer.WriteStartObject(Removed);
            writer.WriteString(Reason, "deleted");
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }
}
