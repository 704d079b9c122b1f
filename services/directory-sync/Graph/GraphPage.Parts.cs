using System.Text;
using System.Text.Json;
using Rollcall.DirectorySync.Data;

namespace Rollcall.DirectorySync.Graph;

/// <summary>The parts that entries are made of.</summary>
public static partial class GraphPage
{
    private static string ReadRemoved(ref Utf8JsonReader reader)
    {
        var reason = "changed";
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isReason = reader.ValueTextEquals("reason"u8);
            reader.Read();
            if (isReason)
            {
                reason = reader.GetString() ?? reason;
            }
        }

        return reason;
    }

    /// <summary>The members, and what of the list could not be read; the rest of it still counts.</summary>
    private static (List<MemberEntry> Members, string? Unreadable) ReadMembers(ref Utf8JsonReader reader)
    {
        var members = new List<MemberEntry>();
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            return (members, Text(ref reader) ?? "null");
        }

        string? unreadable = null;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                unreadable = Text(ref reader) ?? "null";
            }
            else if (ReadMember(ref reader) is { } member)
            {
                members.Add(member);
            }
            else
            {
                unreadable = "a link without an object id";
            }
        }

        return (members, unreadable);
    }

    /// <summary>Null if it has no id.</summary>
    private static MemberEntry? ReadMember(ref Utf8JsonReader reader)
    {
        Guid? id = null;
        var type = MemberType.Other;
        var removed = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("@removed"u8))
            {
                ReadRemoved(ref reader);
                removed = true;
                continue;
            }

            var (isId, isType) = (reader.ValueTextEquals("id"u8), reader.ValueTextEquals("@odata.type"u8));
            reader.Read();
            if (isId && reader.TokenType == JsonTokenType.String)
            {
                id = reader.TryGetGuid(out var link) ? link : null;
            }
            else if (isType && reader.TokenType == JsonTokenType.String)
            {
                type =
                    reader.ValueTextEquals("#microsoft.graph.user"u8) ? MemberType.User
                    : reader.ValueTextEquals("#microsoft.graph.group"u8) ? MemberType.Group
                    : MemberType.Other;
            }
            else
            {
                reader.Skip();
            }
        }

        return id is { } known ? new(known, type, removed) : null;
    }

    private static Guid Known(Guid id) => id == Guid.Empty ? throw new JsonException("An entry has no id") : id;

    /// <summary>The value as text: strings unquoted, objects and arrays as their JSON.</summary>
    private static string? Text(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.Null:
                return null;
            case JsonTokenType.String:
                return reader.GetString();
            case JsonTokenType.True:
                return "true";
            case JsonTokenType.False:
                return "false";
            case JsonTokenType.Number:
                return Encoding.UTF8.GetString(reader.ValueSpan);
            default:
                using (var document = JsonDocument.ParseValue(ref reader))
                {
                    return document.RootElement.GetRawText();
                }
        }
    }
}
