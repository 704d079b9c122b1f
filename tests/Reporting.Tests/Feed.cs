using Google.Protobuf.WellKnownTypes;
using Microsoft.EntityFrameworkCore;
using Rollcall.Api;
using Rollcall.Api.Assignment.V1;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Scope.V1;
using Rollcall.Platform;

namespace Rollcall.Reporting.Tests;

/// <summary>What the other services would say about one client, and waits until reporting has heard it.</summary>
internal sealed class Feed(ReportingFixture service, ClientInfo client)
{
    private readonly Dictionary<string, long> revisions = [];
    private long rosterVersion;

    public ClientInfo Client => client;

    /// <summary>A day of January 2026 at noon UTC.</summary>
    public static DateTimeOffset Noon(int day) => new(2026, 1, day, 12, 0, 0, TimeSpan.Zero);

    public static User Person(string name, string department = "Sales") =>
        new()
        {
            Id = Guid.CreateVersion7().ToString(),
            DisplayName = name,
            Mail = $"{name.ToLowerInvariant()}@fabrikam.example",
            Department = department,
            State = UserState.Active,
            Kind = AccountKind.Person,
        };

    /// <summary>The next roster version, in one part.</summary>
    public Task RosterAsync(DateTimeOffset at, params User[] users) => SendAsync(RosterEvent(at, users));

    public RosterChanged RosterEvent(DateTimeOffset at, params User[] users)
    {
        foreach (var user in users)
        {
            user.Revision = Next(user.Id);
        }

        return new()
        {
            MspId = client.MspId.ToString(),
            ClientId = client.ClientId.ToString(),
            OccurTime = at.ToTimestamp(),
            RosterVersion = ++rosterVersion,
            Part = 1,
            Parts = 1,
            Users = { users.Select(u => u.Clone()) },
        };
    }

    public Task DecideAsync(DateTimeOffset at, User user, Verdict verdict, params string[] audiences) =>
        SendAsync(ScopeEvent(at, Decided(user, verdict, audiences)));

    public Decision Decided(User user, Verdict verdict, params string[] audiences) =>
        new()
        {
            UserId = user.Id,
            Revision = Next("decision" + user.Id),
            Verdict = verdict,
            Audiences = { audiences },
            Reason = $"Because {verdict}",
            ReasonCode = $"code-{verdict}",
            RosterVersion = rosterVersion,
            PolicyVersion = 3,
        };

    public ScopeChanged ScopeEvent(DateTimeOffset at, params Decision[] decisions) =>
        new()
        {
            MspId = client.MspId.ToString(),
            ClientId = client.ClientId.ToString(),
            OccurTime = at.ToTimestamp(),
            RosterVersion = rosterVersion,
            PolicyVersion = 3,
            Decisions = { decisions },
        };

    public static Assignment Open(User user, string course, DateTimeOffset due, string cycle = "1") =>
        new()
        {
            Id = Guid.CreateVersion7().ToString(),
            UserId = user.Id,
            CourseId = course,
            CourseTitle = $"Course {course}",
            Cycle = cycle,
            State = AssignmentState.Open,
            OpenTime = Noon(2).ToTimestamp(),
            DueTime = due.ToTimestamp(),
        };

    public Task AssignAsync(DateTimeOffset at, params Assignment[] assignments) =>
        SendAsync(AssignmentsEvent(at, assignments));

    public AssignmentsChanged AssignmentsEvent(DateTimeOffset at, params Assignment[] assignments)
    {
        foreach (var assignment in assignments)
        {
            assignment.Revision = Next(assignment.Id);
        }

        return new()
        {
            MspId = client.MspId.ToString(),
            ClientId = client.ClientId.ToString(),
            OccurTime = at.ToTimestamp(),
            Assignments = { assignments.Select(a => a.Clone()) },
        };
    }

    public ClientChanged ClientEvent(DateTimeOffset at, string timeZone) =>
        new()
        {
            MspId = client.MspId.ToString(),
            ClientId = client.ClientId.ToString(),
            OccurTime = at.ToTimestamp(),
            Revision = Next("client"),
            DisplayName = client.DisplayName,
            TimeZone = timeZone,
            MspDisplayName = client.MspDisplayName,
        };

    /// <summary>Sends all at once, each over the broker, and returns when all are handled.</summary>
    public async Task SendAsync(params ITenantEvent[] events)
    {
        var ids = events.ToDictionary(_ => Guid.CreateVersion7());
        await Task.WhenAll(ids.Select(e => service.PublishAsync(e.Value, e.Key)));

        var wanted = ids.Keys.ToArray();
        for (var tries = 0; await HandledAsync(wanted) < wanted.Length; tries++)
        {
            Assert.True(tries < 1000, "the service does not handle the events");
            await Task.Delay(10);
        }
    }

    private Task<int> HandledAsync(Guid[] ids) =>
        service.DbAsync(
            Tenant.Client(client.MspId, client.ClientId),
            db => db.Inbox.CountAsync(m => ids.Contains(m.MessageId))
        );

    private long Next(string key) => revisions[key] = revisions.GetValueOrDefault(key) + 1;
}
