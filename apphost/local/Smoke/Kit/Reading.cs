using Rollcall.Api.Assignment.V1;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Notification.V1;
using Rollcall.Api.Reporting.V1;
using Rollcall.Api.Scope.V1;

namespace Rollcall.Local;

/// <summary>Lists read to their last page.</summary>
public static class Reading
{
    private const int PageSize = 500;

    public static Task<List<User>> UsersAsync(this ApiCaller caller, string client, CancellationToken ct) =>
        AllAsync<User>(async token =>
        {
            var request = new ListUsersRequest
            {
                ClientId = client,
                PageSize = PageSize,
                PageToken = token,
            };
            var page = await caller.Roster.ListUsersAsync(request, cancellationToken: ct);
            return (page.Users, page.NextPageToken);
        });

    /// <summary>The one user with this mail address.</summary>
    public static async Task<User> UserAsync(this ApiCaller caller, string client, string mail, CancellationToken ct)
    {
        var found = await caller.Roster.ListUsersAsync(
            new() { ClientId = client, Query = mail },
            cancellationToken: ct
        );
        return found.Users is [var user]
            ? user
            : throw new ExpectationFailedException($"one user with mail {mail}", $"{found.Users.Count}");
    }

    public static Task<List<Decision>> DecisionsAsync(this ApiCaller caller, string client, CancellationToken ct) =>
        AllAsync<Decision>(async token =>
        {
            var request = new ListDecisionsRequest
            {
                ClientId = client,
                PageSize = PageSize,
                PageToken = token,
            };
            var page = await caller.Scope.ListDecisionsAsync(request, cancellationToken: ct);
            return (page.Decisions, page.NextPageToken);
        });

    /// <param name="user">Empty: everybody's.</param>
    public static Task<List<Assignment>> WorkAsync(
        this ApiCaller caller,
        string client,
        string user,
        CancellationToken ct
    ) =>
        AllAsync<Assignment>(async token =>
        {
            var request = new ListAssignmentsRequest
            {
                ClientId = client,
                UserId = user,
                PageSize = PageSize,
                PageToken = token,
            };
            var page = await caller.Assignments.ListAssignmentsAsync(request, cancellationToken: ct);
            return (page.Assignments, page.NextPageToken);
        });

    /// <summary>Mails that tell of new assignments, unless another kind is asked for.</summary>
    /// <param name="user">Empty: everybody's.</param>
    public static Task<List<Delivery>> MailsAsync(
        this ApiCaller caller,
        string client,
        string user,
        CancellationToken ct,
        DeliveryKind kind = DeliveryKind.Assigned
    ) =>
        AllAsync<Delivery>(async token =>
        {
            var request = new ListDeliveriesRequest
            {
                ClientId = client,
                UserId = user,
                Kind = kind,
                PageSize = PageSize,
                PageToken = token,
            };
            var page = await caller.Deliveries.ListDeliveriesAsync(request, cancellationToken: ct);
            return (page.Deliveries, page.NextPageToken);
        });

    public static Task<List<Exclusion>> ExclusionsAsync(this ApiCaller caller, string client, CancellationToken ct) =>
        AllAsync<Exclusion>(async token =>
        {
            var request = new ListExclusionsRequest
            {
                ClientId = client,
                PageSize = PageSize,
                PageToken = token,
            };
            var page = await caller.Reports.ListExclusionsAsync(request, cancellationToken: ct);
            return (page.Exclusions, page.NextPageToken);
        });

    private static async Task<List<T>> AllAsync<T>(Func<string, Task<(IEnumerable<T> Items, string Next)>> readPage)
    {
        var all = new List<T>();
        var token = "";
        do
        {
            (var items, token) = await readPage(token);
            all.AddRange(items);
        } while (token.Length > 0);

        return all;
    }
}
