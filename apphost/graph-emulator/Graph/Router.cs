using Rollcall.GraphEmulator.Model;

namespace Rollcall.GraphEmulator.Graph;

/// <summary>Finds the handler of a Graph path.</summary>
public sealed class Router(Subscriptions subscriptions)
{
    /// <summary>Handlers run while holding the tenant's gate, on a directory whose due changes are visible.</summary>
    public ValueTask<GraphAnswer> AnswerAsync(GraphCall call)
    {
        if (call.Segments is ["subscriptions", ..])
        {
            return subscriptions.AnswerAsync(call);
        }

        call.Tenant.Called?.Invoke(call.Segments is [var first, ..] ? first : "");
        lock (call.Tenant.Gate)
        {
            call.Tenant.Settle();
            return call.Method == "GET" ? ValueTask.FromResult(Get(call)) : throw GraphException.Denied();
        }
    }

    private static GraphAnswer Get(GraphCall call) =>
        call.Segments switch
        {
            ["users", "delta" or "delta()" or "microsoft.graph.delta" or "microsoft.graph.delta()"] =>
                DeltaQuery.Answer(call, Schema.Users),
            ["groups", "delta" or "delta()" or "microsoft.graph.delta" or "microsoft.graph.delta()"] =>
                DeltaQuery.Answer(call, Schema.Groups),
            ["users", "$count"] => Reads.Count(call, Schema.Users, call.Tenant.Users),
            ["users"] => Reads.List(call, Schema.Users, call.Tenant.Users),
            ["groups"] => Reads.List(call, Schema.Groups, call.Tenant.Groups),
            ["users", var id] => Reads.One(call, call.Find<User>(id)),
            ["groups", var id] => Reads.One(call, call.Find<Group>(id)),
            ["users", var id, "manager"] => Reads.Manager(call, id),
            ["users", var id, "directReports"] => Links.DirectReports(call, id),
            ["users", var id, "memberOf"] => Links.MemberOf(call, call.Find<User>(id)),
            ["groups", var id, "memberOf"] => Links.MemberOf(call, call.Find<Group>(id)),
            ["users", var id, "mailboxSettings"] => Mailbox.Settings(call, id),
            ["users", var id, "mailboxSettings", "userPurpose"] => Mailbox.Purpose(call, id),
            ["groups", var id, "members"] => Links.Members(call, id, transitive: false),
            ["groups", var id, "members", var cast] => Links.Members(call, id, transitive: false, cast),
            ["groups", var id, "transitiveMembers"] => Links.Members(call, id, transitive: true),
            ["groups", var id, "transitiveMembers", var cast] => Links.Members(call, id, transitive: true, cast),
            ["directory", "deletedItems", "microsoft.graph.user"] => Reads.Deleted(call, Schema.Users),
            ["directory", "deletedItems", "microsoft.graph.group"] => Reads.Deleted(call, Schema.Groups),
            ["organization"] => Organization.Answer(call),
            [var principal, "appRoleAssignments"] when Organization.AppIdOf(principal) is { } appId =>
                Organization.AppRoleAssignments(call, appId),
            [.., var last] => throw GraphException.BadRequest($"Resource not found for the segment '{last}'."),
            [] => throw GraphException.BadRequest("Empty path."),
        };
}
