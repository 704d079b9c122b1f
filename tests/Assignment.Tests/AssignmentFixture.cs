using Google.Protobuf.WellKnownTypes;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using Rollcall.Api.Assignment.V1;
using Rollcall.Api.Scope.V1;
using Rollcall.Assignment.Api;
using Rollcall.Assignment.Data;
using Rollcall.Assignment.Tests;
using Rollcall.Platform;
using Rollcall.Testing;
using Path = Rollcall.Api.Assignment.V1.Path;

[assembly: AssemblyFixture(typeof(AssignmentFixture))]

namespace Rollcall.Assignment.Tests;

/// <summary>The assignment service on real servers.</summary>
public sealed class AssignmentFixture() : ServiceFixture<AssignmentApi, AssignmentDbContext>("assignment")
{
    private readonly NpgsqlDataSource server = NpgsqlDataSource.Create(TestServers.Postgres);

    /// <summary>A client of a new MSP whose baseline path asks for the courses.</summary>
    public async Task<TestTenant> NewTenantAsync(string timeZone = "Etc/UTC", params string[] courses)
    {
        var tenant = new TestTenant(this, Clients.Add(timeZone: timeZone));
        await tenant.SetPathAsync("baseline", await tenant.CreateCoursesAsync(courses));
        return tenant;
    }

    /// <summary>Waits until another transaction waits for a lock of this context's.</summary>
    public async Task BlocksSomebodyAsync(AssignmentDbContext db)
    {
        var own = Assert.Single(await db.Database.SqlQuery<int>($"select pg_backend_pid()").ToListAsync());
        await Eventually.HoldsAsync(async () =>
        {
            await using var command = server.CreateCommand(
                "select count(*) from pg_stat_activity where $1 = any (pg_blocking_pids(pid))"
            );
            command.Parameters.Add(new() { Value = own });
            Assert.NotEqual(0L, await command.ExecuteScalarAsync());
        });
    }

    public override async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        await base.DisposeAsync();
    }
}

/// <summary>One client in the tests, with the callers and events about it.</summary>
public sealed class TestTenant(AssignmentFixture fixture, ClientInfo client)
{
    public const string Queue = "assignment-scope-changed";

    public Guid MspId => client.MspId;
    public string ClientId => client.ClientId.ToString();
    public Tenant Tenant => Tenant.Client(client.MspId, client.ClientId);
    public string Admin => TestTokens.MspAdmin(client.MspId);

    public CatalogService.CatalogServiceClient Catalog => fixture.Client<CatalogService.CatalogServiceClient>(Admin);
    public PathService.PathServiceClient Paths => fixture.Client<PathService.PathServiceClient>(Admin);
    public AssignmentService.AssignmentServiceClient Assignments =>
        fixture.Client<AssignmentService.AssignmentServiceClient>(Admin);

    public async Task<List<string>> CreateCoursesAsync(params string[] titles)
    {
        var ids = new List<string>();
        foreach (var title in titles)
        {
            var answer = await Catalog.CreateCourseAsync(new() { Course = new() { Title = title } });
            ids.Add(answer.Course.Id);
        }

        return ids;
    }

    public async Task<Path> SetPathAsync(
        string audience,
        IEnumerable<string> courseIds,
        int dueDays = 30,
        Recurrence recurrence = Recurrence.None
    )
    {
        var path = new Path
        {
            Audience = audience,
            CourseIds = { courseIds },
            DueDays = dueDays,
            Recurrence = recurrence,
        };
        return (await Paths.SetPathAsync(new() { ClientId = ClientId, Path = path })).Path;
    }

    public ScopeChanged Event(params IEnumerable<Decision> decisions) =>
        new()
        {
            MspId = client.MspId.ToString(),
            ClientId = ClientId,
            OccurTime = fixture.Clock.GetUtcNow().ToTimestamp(),
            RosterVersion = 1,
            Decisions = { decisions },
        };

    public static Decision Decide(Guid user, long revision, Verdict verdict, params string[] audiences) =>
        new()
        {
            UserId = user.ToString(),
            Revision = revision,
            Verdict = verdict,
            Audiences = { audiences },
            Reason = $"decision {revision}",
            RosterVersion = revision,
        };

    /// <summary>Delivers the decisions and waits until they are handled.</summary>
    public async Task ReceiveAsync(params IEnumerable<Decision> decisions)
    {
        var id = Guid.CreateVersion7();
        await fixture.PublishAsync(Event(decisions), id);
        await HandledAsync(id);
    }

    public Task HandledAsync(params Guid[] messages) =>
        Eventually.HoldsAsync(
            async () =>
                Assert.Equal(
                    messages.Length,
                    await fixture.DbAsync(
                        Tenant,
                        db => db.Inbox.CountAsync(m => m.Consumer == Queue && messages.Contains(m.MessageId))
                    )
                ),
            TimeSpan.FromSeconds(20)
        );

    public Task<List<CourseAssignment>> RowsAsync() =>
        fixture.DbAsync(
            Tenant,
            db =>
                db.Assignments.AsNoTracking()
                    .OrderBy(a => a.UserId)
                    .ThenBy(a => a.CourseTitle)
                    .ThenBy(a => a.Cycle)
                    .ToListAsync()
        );

    /// <summary>Waits until nobody in the client is left to be planned anew.</summary>
    public Task PlannedAsync() =>
        Eventually.HoldsAsync(async () =>
            Assert.False((await Paths.ListPathsAsync(new() { ClientId = ClientId })).Planning)
        );

    /// <summary>Assignments as the service has published them: the newest revision of each.</summary>
    public List<Rollcall.Api.Assignment.V1.Assignment> Published() =>
        [
            .. fixture
                .Events.Of<AssignmentsChanged>(client.ClientId)
                .SelectMany(e => e.Assignments)
                .GroupBy(a => a.Id)
                .Select(g => g.MaxBy(a => a.Revision)!),
        ];
}
