using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Rollcall.DirectorySync.Graph;

/// <summary>The user properties Rollcall reads. Their list is the delta stream's identity: another list is another stream.</summary>
public static class EntraProperties
{
    public static readonly string[] User =
    [
        "accountEnabled",
        "displayName",
        "givenName",
        "surname",
        "mail",
        "userPrincipalName",
        "userType",
        "department",
        "jobTitle",
        "companyName",
        "employeeId",
        "employeeType",
        "employeeHireDate",
        "officeLocation",
        "country",
        "city",
        "preferredLanguage",
        "usageLocation",
        "externalUserState",
        "onPremisesSyncEnabled",
        "createdDateTime",
        "proxyAddresses",
        "assignedLicenses",
        "onPremisesExtensionAttributes",
    ];

    public static readonly string[] UserSelect = ["id", .. User, "manager"];
    public static readonly string[] GroupSelect =
    [
        "id",
        "displayName",
        "securityEnabled",
        "mailEnabled",
        "groupTypes",
        "members",
    ];

    /// <summary>Names the property sets of both streams; stored with the cursors.</summary>
    public static readonly string Signature = $"{string.Join(',', UserSelect)}|{string.Join(',', GroupSelect)}";

    private static readonly byte[][] Names = [.. User.Select(Encoding.UTF8.GetBytes)];

    /// <summary>The index of a property in <see cref="User"/>; -1 for one we did not ask for.</summary>
    public static int IndexOf(ref Utf8JsonReader property)
    {
        for (var i = 0; i < Names.Length; i++)
        {
            if (property.ValueTextEquals(Names[i]))
            {
                return i;
            }
        }

        return -1;
    }

    public static int IndexOf(string name) => Array.IndexOf(User, name);
}

/// <summary>
/// Values of <see cref="EntraProperties.User"/> as text (objects and arrays as their JSON). What a directory said and
/// what it left out differ: an absent value is not null.
/// </summary>
public sealed class PropertySet
{
    private readonly string?[] values = new string?[EntraProperties.User.Length];
    private uint present;

    public string? this[string name] => values[EntraProperties.IndexOf(name)];

    public bool Has(int index) => (present & (1u << index)) != 0;

    public string? Get(int index) => values[index];

    public void Set(int index, string? value)
    {
        values[index] = value;
        present |= 1u << index;
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
        }

        return merged;
    }

    /// <summary>Names of the properties whose values differ; absent counts as null.</summary>
    public IEnumerable<int> Differences(PropertySet other) =>
        Enumerable
            .Range(0, values.Length)
            .Where(i => !string.Equals(values[i], other.values[i], StringComparison.Ordinal));

    public string ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            for (var i = 0; i < values.Length; i++)
            {
                if (values[i] is { } value)
                {
                    writer.WriteString(EntraProperties.User[i], value);
                }
            }

            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    public static PropertySet FromJson(string json)
    {
        var set = new PropertySet();
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(json));
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var index = EntraProperties.IndexOf(ref reader);
            reader.Read();
            if (index >= 0)
            {
                set.Set(index, reader.GetString());
            }
        }

        return set;
    }
}
