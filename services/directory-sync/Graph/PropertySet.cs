using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Rollcall.DirectorySync.Graph;

/// <summary>
/// Values of <see cref="EntraProperties.User"/> as text (objects and arrays as their JSON). What a directory said and
/// what it left out differ: an absent value is not null. A value that is not of its documented type is kept apart; the
/// last good one stays in its place.
/// </summary>
public sealed class PropertySet
{
    private const int LongestInvalid = 100;
    private readonly string?[] values = new string?[EntraProperties.User.Length + 1];
    private SortedDictionary<int, string>? invalid;
    private uint present;

    public string? this[string name] => values[EntraProperties.IndexOf(name)];

    /// <summary>Values that are none, by property name.</summary>
    public IEnumerable<(string Name, string Value)> Invalid =>
        (invalid ?? []).Select(i => (EntraProperties.NameOf(i.Key), i.Value));

    public bool Has(int index) => (present & (1u << index)) != 0;

    public string? Get(int index) => values[index];

    public void Set(int index, string? value)
    {
        values[index] = value;
        present |= 1u << index;
        invalid?.Remove(index);
    }

    public void SetInvalid(int index, string? value)
    {
        value ??= "";
        (invalid ??= [])[index] = value.Length > LongestInvalid ? value[..LongestInvalid] : value;
    }

    /// <summary>A copy with the patch on top: what is present in it, null included, replaces.</summary>
    public PropertySet With(PropertySet patch)
    {
        var merged = new PropertySet();
        for (var i = 0; i < values.Length; i++)
        {
            if (patch.Has(i))
            {
                merged.Set(i, patch.values[i]);
            }
            else if (Has(i))
            {
                merged.Set(i, values[i]);
            }

            if (
                (patch.invalid?.GetValueOrDefault(i) ?? (patch.Has(i) ? null : invalid?.GetValueOrDefault(i))) is
                { } bad
            )
            {
                merged.SetInvalid(i, bad);
            }
        }

        return merged;
    }

    /// <summary>Places of the properties whose values differ; absent counts as null.</summary>
    public IEnumerable<int> Differences(PropertySet other) =>
        Enumerable
            .Range(0, EntraProperties.User.Length)
            .Where(i => !string.Equals(values[i], other.values[i], StringComparison.Ordinal));

    public bool IsSame(PropertySet other) => !Differences(other).Any() && Invalid.SequenceEqual(other.Invalid);

    /// <returns>In UTF-8.</returns>
    public byte[] ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            for (var i = 0; i < EntraProperties.User.Length; i++)
            {
                if (values[i] is { } value)
                {
                    writer.WriteString(EntraProperties.User[i], value);
                }
            }

            foreach (var (name, value) in Invalid)
            {
                writer.WriteString(InvalidPrefix + name, value);
            }

            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    public static PropertySet FromJson(string json) => FromJson(Encoding.UTF8.GetBytes(json));

    public static PropertySet FromJson(ReadOnlySpan<byte> json)
    {
        var set = new PropertySet();
        var reader = new Utf8JsonReader(json);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var index = EntraProperties.IndexOf(ref reader);
            var bad = index < 0 ? InvalidIndexOf(reader.GetString()!) : -1;
            reader.Read();
            if (index >= 0)
            {
                set.Set(index, reader.GetString());
            }
            else if (bad >= 0)
            {
                set.SetInvalid(bad, reader.GetString());
            }
        }

        return set;
    }

    /// <summary>How an unusable value is told from the property itself where both are stored.</summary>
    private const string InvalidPrefix = "invalid:";

    private static int InvalidIndexOf(string name) =>
        !name.StartsWith(InvalidPrefix, StringComparison.Ordinal) ? -1
        : name[InvalidPrefix.Length..] is "manager" ? EntraProperties.Manager
        : EntraProperties.IndexOf(name[InvalidPrefix.Length..]);
}
