using System.Text.Json;

namespace Rollcall.DirectorySync.Graph;

/// <summary>
/// Reads delta pages from their raw JSON: the SDK's models drop JSON nulls, and with them the difference between a
/// property set to null and one that did not change.
/// </summary>
public static partial class GraphPage
{
    /// <summary>The page's link: where the round goes on, or (last page) where the next round starts.</summary>
    /// <exception cref="GraphException">The page is no JSON or has no link.</exception>
    public static (string? NextLink, string? DeltaLink) Links(ReadOnlySpan<byte> page) => Links(page, out _);

    /// <param name="entries">How many the page has.</param>
    public static (string? NextLink, string? DeltaLink) Links(ReadOnlySpan<byte> page, out int entries)
    {
        entries = 0;
        string? next = null;
        string? delta = null;
        try
        {
            var reader = new Utf8JsonReader(page);
            while (reader.Read())
            {
                if (reader.CurrentDepth != 1 || reader.TokenType != JsonTokenType.PropertyName)
                {
                    continue;
                }

                var isNext = reader.ValueTextEquals("@odata.nextLink"u8);
                var isDelta = reader.ValueTextEquals("@odata.deltaLink"u8);
                var isValue = reader.ValueTextEquals("value"u8);
                reader.Read();
                if (isNext)
                {
                    next = reader.GetString();
                }
                else if (isDelta)
                {
                    delta = reader.GetString();
                }
                else if (isValue)
                {
                    for (; reader.Read() && reader.TokenType == JsonTokenType.StartObject; entries++)
                    {
                        reader.Skip();
                    }
                }
                else
                {
                    reader.Skip();
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw GraphException.Garbage("the page is no complete JSON", e);
        }

        return (next is null) == (delta is null)
            ? throw GraphException.Garbage("the page has no link, or two", inner: null)
            : (next, delta);
    }

    public static IEnumerable<UserEntry> Users(ReadOnlyMemory<byte> page) => Entries(page.Span, ReadUser);

    public static IEnumerable<GroupEntry> Groups(ReadOnlyMemory<byte> page) => Entries(page.Span, ReadGroup);

    /// <summary>
    /// A user read by itself. It may name a manager but says nothing by naming none: a deleted manager's link comes back
    /// with the manager, and only the stream tells one from the other.
    /// </summary>
    public static UserEntry User(byte[] body)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            Guid? manager =
                json.RootElement.TryGetProperty("manager", out var expanded)
                && expanded.ValueKind == JsonValueKind.Object
                && expanded.TryGetProperty("id", out var id)
                && id.ValueKind == JsonValueKind.String
                && id.TryGetGuid(out var known)
                    ? known
                    : null;
            var reader = new Utf8JsonReader(body);
            reader.Read();
            var entry = ReadUser(ref reader) with { ManagerChanged = manager is not null, Manager = manager };
            if (manager is not null)
            {
                entry.Patch.Set(EntraProperties.Manager, value: null);
            }

            return entry;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw GraphException.Garbage("the user is not as documented", e);
        }
    }

    private delegate T EntryReader<out T>(ref Utf8JsonReader reader);

    private static List<T> Entries<T>(ReadOnlySpan<byte> page, EntryReader<T> read)
    {
        var entries = new List<T>(200);
        try
        {
            var reader = new Utf8JsonReader(page);
            while (reader.Read())
            {
                if (
                    reader.CurrentDepth != 1
                    || reader.TokenType != JsonTokenType.PropertyName
                    || !reader.ValueTextEquals("value"u8)
                )
                {
                    continue;
                }

                reader.Read();
                while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
                {
                    entries.Add(read(ref reader));
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw GraphException.Garbage("an entry of the page is not as documented", e);
        }

        return entries;
    }

    private static UserEntry ReadUser(ref Utf8JsonReader reader)
    {
        var id = Guid.Empty;
        string? removed = null;
        var patch = new PropertySet();
        var managerChanged = false;
        Guid? manager = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("id"u8))
            {
                reader.Read();
                id = reader.GetGuid();
            }
            else if (reader.ValueTextEquals("@removed"u8))
            {
                removed = ReadRemoved(ref reader);
            }
            else if (reader.ValueTextEquals("manager@delta"u8))
            {
                var (links, unreadable) = ReadMembers(ref reader);
                managerChanged = unreadable is null;
                manager = links.LastOrDefault(m => !m.Removed)?.ObjectId;
                if (unreadable is null)
                {
                    patch.Set(EntraProperties.Manager, value: null);
                }
                else
                {
                    patch.SetInvalid(EntraProperties.Manager, unreadable);
                }
            }
            else
            {
                ReadValue(ref reader, patch);
            }
        }

        return new(Known(id), removed, patch, managerChanged, manager);
    }

    private static void ReadValue(ref Utf8JsonReader reader, PropertySet patch)
    {
        var index = EntraProperties.IndexOf(ref reader);
        reader.Read();
        if (index < 0)
        {
            reader.Skip();
        }
        else if (EntraProperties.Fits(index, ref reader))
        {
            patch.Set(index, Text(ref reader));
        }
        else
        {
            patch.SetInvalid(index, Text(ref reader));
        }
    }

#pragma warning disable MA0051 // one property after the other
    private static GroupEntry ReadGroup(ref Utf8JsonReader reader)
    {
        var id = Guid.Empty;
        string? removed = null;
        string? name = null;
        bool? security = null;
        bool? dynamic = null;
        string? unreadable = null;
        List<MemberEntry> members = [];
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("@removed"u8))
            {
                removed = ReadRemoved(ref reader);
                continue;
            }

            if (reader.ValueTextEquals("members@delta"u8))
            {
                (members, var member) = ReadMembers(ref reader);
                unreadable ??= member;
                continue;
            }

            var property = reader.GetString();
            reader.Read();
            switch (property)
            {
                case "id":
                    id = reader.GetGuid();
                    break;
                case "displayName" when reader.TokenType is JsonTokenType.String or JsonTokenType.Null:
                    name = reader.GetString() ?? "";
                    break;
                case "securityEnabled"
                    when reader.TokenType is JsonTokenType.True or JsonTokenType.False or JsonTokenType.Null:
                    security = reader.TokenType == JsonTokenType.True;
                    break;
                case "groupTypes" when reader.TokenType is JsonTokenType.StartArray or JsonTokenType.Null:
                    dynamic = Text(ref reader)?.Contains("DynamicMembership", StringComparison.Ordinal) == true;
                    break;
                case "displayName" or "securityEnabled" or "groupTypes":
                    unreadable ??= $"{property}: {Text(ref reader)}";
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        return new(Known(id), removed, name, security, dynamic, members) { Unreadable = unreadable };
    }

#pragma warning restore MA0051
}
