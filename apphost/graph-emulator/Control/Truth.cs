using System.Text.Json;
using Rollcall.GraphEmulator.Graph;
using Rollcall.GraphEmulator.Model;

namespace Rollcall.GraphEmulator.Control;

/// <summary>The oracle: what a tenant really holds, whatever delta shows of it. Callers hold the tenant's gate.</summary>
public static class Truth
{
    public static IResult Of(Tenant tenant) => Result(writer => Write(writer, tenant));

    public static IResult Of(User user) => Result(writer => WriteUser(writer, user));

    public static IResult Of(Group group) => Result(writer => WriteGroup(writer, group));

    /// <summary>Id, name, counts: what a list of tenants shows.</summary>
    public static object Summary(Tenant tenant) =>
        new
        {
            id = tenant.Id,
            name = tenant.Name,
            domain = tenant.Domain,
            users = tenant.Users.Count(user => user.State == Existence.Active),
            groups = tenant.Groups.Count(group => group.State == Existence.Active),
            pendingChanges = tenant.PendingCount,
            principals = tenant.ServicePrincipals.Values.Select(Principal),
        };

    public static object Principal(ServicePrincipal principal) =>
        new
        {
            appId = principal.ClientId,
            enabled = principal.Enabled,
            deleted = principal.Deleted,
            permissions = principal.Granted.Keys,
        };

    private static IResult Result(Action<Utf8JsonWriter> write)
    {
        using var answer = GraphAnswer.Json(write);
        return Results.Bytes(answer.Body.Written.ToArray(), "application/json; charset=utf-8");
    }

    private static void Write(Utf8JsonWriter writer, Tenant tenant)
    {
        foreach (var property in JsonSerializer.SerializeToElement(Summary(tenant)).EnumerateObject())
        {
            if (property.Name is not ("users" or "groups"))
            {
                property.WriteTo(writer);
            }
        }

        WriteAll(writer, "users", tenant.Users, WriteUser);
        WriteAll(writer, "groups", tenant.Groups, WriteGroup);
        var edges = tenant.Groups.Where(group => group.State != Existence.Purged).SelectMany(group => group.Edges);
        WriteAll(writer, "edges", edges.Where(edge => edge.Live), WriteEdge);
    }

    private static void WriteAll<T>(
        Utf8JsonWriter writer,
        string name,
        IEnumerable<T> items,
        Action<Utf8JsonWriter, T> write
    )
    {
        writer.WriteStartArray(name);
        foreach (var item in items)
        {
            writer.WriteStartObject();
            write(writer, item);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void WriteUser(Utf8JsonWriter writer, User user)
    {
        WriteObject(writer, user);
        writer.WritePropertyName("managerId");
        JsonSerializer.Serialize(
            writer,
            user.Manager is { State: Existence.Active } manager ? manager.Id : (Guid?)null
        );
        writer.WriteString("mailboxPurpose", user.MailboxPurpose);
        writer.WriteBoolean("mailboxBlocked", user.MailboxBlocked);
        ObjectWriter.Properties(writer, user.Schema, user.Values, user.Schema.AllMask, nullWhenUnset: false);
    }

    private static void WriteGroup(Utf8JsonWriter writer, Group group)
    {
        WriteObject(writer, group);
        ObjectWriter.Properties(writer, group.Schema, group.Values, group.Schema.AllMask, nullWhenUnset: false);
    }

    private static void WriteObject(Utf8JsonWriter writer, DirectoryObject target)
    {
        writer.WriteString(ObjectWriter.Id, target.Id);
        writer.WriteString("state", target.State.ToString().ToLowerInvariant());
        if (target.DeletedAt is { } at)
        {
            writer.WriteString("deletedDateTime", at);
        }
    }

    /// <summary>Active: both ends exist, so the link counts.</summary>
    private static void WriteEdge(Utf8JsonWriter writer, Edge edge)
    {
        writer.WriteString("groupId", edge.Group.Id);
        writer.WriteString("memberId", edge.Member.Id);
        writer.WriteString("memberType", edge.Member is User ? "user" : "group");
        writer.WriteBoolean("active", edge.Member.State == Existence.Active && edge.Group.State == Existence.Active);
    }
}
