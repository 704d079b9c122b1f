using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Rollcall.GraphEmulator.Faults;
using Rollcall.GraphEmulator.Model;

namespace Rollcall.GraphEmulator.Graph;

/// <summary>Plain reads of users and groups: lists, single objects, manager, deleted items.</summary>
public static class Reads
{
    private const int DefaultTop = 100;
    private const int MaxTop = 999;

    public static GraphAnswer List<T>(GraphCall call, Schema schema, List<T> objects)
        where T : DirectoryObject
    {
        Require(call, schema);
        return Page(call, schema, objects, target => target.State == Existence.Active, deletedTime: false);
    }

    /// <summary>A plain number, and only for those who accept that it may be a little old.</summary>
    public static GraphAnswer Count<T>(GraphCall call, Schema schema, List<T> objects)
        where T : DirectoryObject
    {
        Require(call, schema);
        if (call.Header("ConsistencyLevel") != "eventual")
        {
            throw GraphException.BadRequest("Request with $count requires the header ConsistencyLevel: eventual.");
        }

        var answer = new GraphAnswer { ContentType = "text/plain" };
        var text = Encoding.UTF8.GetBytes($"\uFEFF{objects.Count(o => o.State == Existence.Active)}");
        text.CopyTo(answer.Body.GetSpan(text.Length));
        answer.Body.Advance(text.Length);
        return answer;
    }

    public static GraphAnswer Deleted(GraphCall call, Schema schema)
    {
        if (schema == Schema.Users)
        {
            call.Require("User.Read.All", "Directory.Read.All");
            return Page(
                call,
                schema,
                call.Tenant.Users,
                target => target.State == Existence.Deleted,
                deletedTime: true
            );
        }

        call.Require("Group.Read.All", "Directory.Read.All");
        return Page(call, schema, call.Tenant.Groups, target => target.State == Existence.Deleted, deletedTime: true);
    }

    public static GraphAnswer One(GraphCall call, DirectoryObject target)
    {
        Require(call, target.Schema);
        var selection = Selection.Of(call, target.Schema);
        return GraphAnswer.Json(writer =>
        {
            Context(writer, call, $"{target.Schema.Collection}{selection.Context}/$entity");
            writer.WriteString(ObjectWriter.Id, target.Id);
            ObjectWriter.Properties(writer, target.Schema, target.Values, selection.Mask, nullWhenUnset: true);
            Expand(writer, call, target);
        });
    }

    public static GraphAnswer Manager(GraphCall call, string id)
    {
        Require(call, Schema.Users);
        return call.Find<User>(id).Manager is { State: Existence.Active } manager
            ? GraphAnswer.Json(writer =>
            {
                Context(writer, call, "directoryObjects/$entity");
                writer.WriteString(ObjectWriter.Type, Schema.Users.OdataType);
                writer.WriteString(ObjectWriter.Id, manager.Id);
                var mask = Selection.Of(call, Schema.Users).Mask;
                ObjectWriter.Properties(writer, Schema.Users, manager.Values, mask, nullWhenUnset: true);
            })
            : throw GraphException.NotFound("manager");
    }

    public static void Require(GraphCall call, Schema schema)
    {
        if (schema == Schema.Users)
        {
            call.Require("User.Read.All", "Directory.Read.All");
        }
        else
        {
            call.Require("GroupMember.Read.All", "Group.Read.All", "Directory.Read.All");
        }
    }

    public static void Context(Utf8JsonWriter writer, GraphCall call, string what) =>
        writer.WriteString("@odata.context", $"{call.BaseUrl}/$metadata#{what}");

    public static int Top(GraphCall call) =>
        call.Option("$top") is not { } text ? DefaultTop
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var top) && top is > 0 and <= MaxTop
            ? top
        : throw new GraphException(400, "Request_UnsupportedQuery", $"Invalid page size specified: '{text}'.");

    /// <summary>The place to go on from; a page token here is just that number.</summary>
    public static int Skip(GraphCall call)
    {
        if (call.Option("$skiptoken") is not { } token)
        {
            return 0;
        }

        var text = Base64Url.IsValid(token) ? Encoding.ASCII.GetString(Base64Url.DecodeFromChars(token)) : "";
        return text is ['p', .. var number] && int.TryParse(number, CultureInfo.InvariantCulture, out var place)
            ? place
            : throw new GraphException(400, "Directory_ExpiredPageToken", "The specified page token value is invalid.");
    }

    public static void Next(Utf8JsonWriter writer, GraphCall call, int place)
    {
        place = call.Faults.Has(FaultKind.Circle) ? 0 : place;
        var token = Base64Url.EncodeToString(
            Encoding.ASCII.GetBytes("p" + place.ToString(CultureInfo.InvariantCulture))
        );
        var kept = call.Query.Where(option => option.Key is not ("$skiptoken" or "$skipToken"));
        var options = string.Concat(kept.Select(o => $"{o.Key}={Uri.EscapeDataString(o.Value.ToString())}&"));
        var path = string.Join('/', call.Segments);
        writer.WriteString("@odata.nextLink", $"{call.BaseUrl}/{path}?{options}$skiptoken={token}");
    }

    private static GraphAnswer Page<T>(
        GraphCall call,
        Schema schema,
        List<T> objects,
        Predicate<T> wanted,
        bool deletedTime
    )
        where T : DirectoryObject
    {
        if (
            call.Option("$filter") is not null
            || call.Option("$search") is not null
            || call.Option("$skip") is not null
        )
        {
            throw new GraphException(400, "Request_UnsupportedQuery", "Unsupported query.");
        }

        var selection = Selection.Of(call, schema);
        var (top, place) = (Top(call), Skip(call));
        return GraphAnswer.Json(writer =>
        {
            Context(writer, call, schema.Collection + selection.Context);
            writer.WriteStartArray(ObjectWriter.Value);
            for (; place < objects.Count && top > 0; place++)
            {
                if (wanted(objects[place]))
                {
                    Write(writer, call, objects[place], selection.Mask, deletedTime);
                    top--;
                }
            }

            writer.WriteEndArray();
            if (objects.FindIndex(Math.Min(place, objects.Count), wanted) >= 0)
            {
                Next(writer, call, place);
            }
        });
    }

    private static void Write(
        Utf8JsonWriter writer,
        GraphCall call,
        DirectoryObject target,
        ulong mask,
        bool deletedTime
    )
    {
        writer.WriteStartObject();
        writer.WriteString(ObjectWriter.Id, target.Id);
        if (deletedTime && target.DeletedAt is { } at)
        {
            writer.WritePropertyName("deletedDateTime");
            writer.WriteRawValue(JsonText.Of(at));
        }

        ObjectWriter.Properties(writer, target.Schema, target.Values, mask, nullWhenUnset: true);
        Expand(writer, call, target);
        writer.WriteEndObject();
    }

    private static void Expand(Utf8JsonWriter writer, GraphCall call, DirectoryObject target)
    {
        var expand = call.Option("$expand");
        if (
            target is User { Manager: { State: Existence.Active } manager }
            && expand?.StartsWith("manager", StringComparison.Ordinal) == true
        )
        {
            writer.WritePropertyName("manager");
            ObjectWriter.Live(writer, manager, Schema.Users.DefaultMask, withType: true);
        }
    }
}
