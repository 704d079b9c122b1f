using System.Buffers.Binary;
using CsCheck;
using Google.Protobuf.WellKnownTypes;
using Rollcall.Api;
using Rollcall.Api.Assignment.V1;
using Rollcall.Api.Directory.V1;
using Rollcall.Api.Reporting.V1;
using Rollcall.Api.Scope.V1;
using Rollcall.Platform;

namespace Rollcall.Reporting.Tests;

/// <summary>One revision of something, observed at some hour.</summary>
internal sealed record Fact<T>(int Id, int Revision, int Hour, T Value);

internal sealed record PersonFact(UserState State, AccountKind Kind, bool Staged, string Department);

internal sealed record DecisionFact(Verdict Verdict, string[] Audiences);

internal sealed record WorkFact(AssignmentState State, int DueHour);

/// <summary>
/// A client's history, made up, and what the reports should say about it, worked out fact by fact in memory. Hours count
/// from 1 January 2026 in New York.
/// </summary>
internal sealed record World(
    List<Fact<PersonFact>> People,
    List<Fact<DecisionFact>> Decisions,
    List<Fact<WorkFact>> Work,
    int OutsideImport
)
{
    public const string Zone = "America/New_York";
    public const int Now = int.MaxValue;
    private const int Users = 8;
    private const int Courses = 2;
    private const int Cycles = 2;
    private const int Hours = 12 * 24;

    /// <summary>The service's clock in these hours: 15 January, 09:00 UTC.</summary>
    private const int ClockHour = (14 * 24) + 4;
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 5, 0, 0, TimeSpan.Zero);

    private static readonly string[] Departments = ["Sales", "Finance", ""];
    private static readonly string[][] Audiences =
    [
        ["everyone"],
        ["everyone", "finance"],
        ["admins"],
    ];

    private static readonly Gen<Fact<PersonFact>> PersonGen = Gen.Select(
        Gen.Int[0, Users - 1],
        Gen.Int[1, 5],
        Gen.Enum<UserState>().Where(s => s != UserState.Unspecified),
        Gen.Enum<AccountKind>().Where(k => k != AccountKind.Unspecified),
        Gen.Frequency((4, Gen.Const(false)), (1, Gen.Const(true))),
        Gen.Int[0, 2].Select(i => Departments[i]),
        // The roster version is the revision, and each version has its hour.
        (id, version, state, kind, staged, department) =>
            new Fact<PersonFact>(id, version, version * 50, new(state, kind, staged, department))
    );

    private static readonly Gen<Fact<DecisionFact>> DecisionGen = Gen.Select(
        Gen.Int[0, Users - 1],
        Gen.Int[1, 4],
        Gen.Int[1, Hours],
        Gen.Frequency(
            (3, Gen.Const(Verdict.InScope)),
            (1, Gen.Const(Verdict.Paused)),
            (3, Gen.Enum<Verdict>().Where(v => v != Verdict.Unspecified))
        ),
        Gen.Int[0, 2].Select(i => Audiences[i]),
        (id, revision, hour, verdict, audiences) =>
            new Fact<DecisionFact>(
                id,
                revision,
                hour,
                new(verdict, verdict is Verdict.InScope or Verdict.Paused ? audiences : [])
            )
    );

    private static readonly Gen<Fact<WorkFact>> WorkGen = Gen.Select(
        Gen.Int[0, (Users * Courses * Cycles) - 1],
        Gen.Int[1, 3],
        Gen.Int[1, Hours],
        Gen.Enum<AssignmentState>().Where(s => s != AssignmentState.Unspecified),
        Gen.Int[1, Hours + 100],
        (id, revision, hour, state, due) => new Fact<WorkFact>(id, revision, hour, new(state, due))
    );

    public static readonly Gen<World> Any = Gen.Select(
        PersonGen.List[0, 25],
        DecisionGen.List[0, 25],
        WorkGen.List[0, 40],
        Gen.Int[0, 3],
        (people, decisions, work, outside) => new World(Once(people), Once(decisions), Once(work), outside)
    );

    /// <summary>Every event of the client's life, in no order that matters.</summary>
    public List<ITenantEvent> Events(ClientInfo client) =>
        [.. RosterEvents(client), .. ScopeEvents(client), .. WorkEvents(client)];

    /// <summary>The hour a day of January ends; now if it has not.</summary>
    public static int EndOf(int day) => day * 24 > ClockHour ? Now : day * 24;

    public static Guid UserId(ClientInfo client, int id) => Id(client, 1, id);

    public Standing StandingOf(int user, int hour)
    {
        var person = AsOf(People, user, hour)!.Value;
        var verdict = AsOf(Decisions, user, hour)?.Value.Verdict;
        return (person, verdict) switch
        {
            ({ State: UserState.Removed or UserState.Purged }, _) => Standing.Left,
            (_, Verdict.Left) => Standing.Left,
            ({ Staged: true }, _) => Standing.StagedForRemoval,
            (_, null) => Standing.NotDecided,
            _ => System.Enum.Parse<Standing>(verdict.ToString()!),
        };
    }

    /// <summary>Who is known at the hour, and was there at some time since the other hour.</summary>
    public List<int> Seen(int? from, int hour) =>
        [
            .. Enumerable
                .Range(0, Users)
                .Where(u => AsOf(People, u, hour) is not null)
                .Where(u => from is null || WasThere(u, from.Value, hour)),
        ];

    public List<int> InScope(int hour) =>
        [
            .. Seen(from: null, hour)
                .Where(u => AsOf(People, u, hour)!.Value.State is UserState.Active or UserState.Disabled)
                .Where(u => AsOf(Decisions, u, hour)?.Value.Verdict is Verdict.InScope or Verdict.Paused),
        ];

    public string Coverage(int hour)
    {
        var scope = InScope(hour);
        var work = scope.Select(u => (User: u, Work: NotWithdrawn(u, hour))).ToList();
        var newest = work.SelectMany(w => w.Work.GroupBy(a => CourseOf(a.Id)).Select(g => g.MaxBy(a => CycleOf(a.Id))!))
            .Where(a => a.Value.State != AssignmentState.Waived)
            .ToList();
        return Line(
            scope.Count,
            scope.Count(u => IsPaused(u, hour)),
            work.Count(w => w.Work.Count > 0),
            newest.Count,
            newest.Count(a => a.Value.State == AssignmentState.Completed),
            work.Sum(w => Overdue(w.User, w.Work, hour))
        );
    }

    public static string Line(long people, long paused, long withPath, long assigned, long completed, long overdue) =>
        $"{people} people, {paused} paused, {withPath} with path, {completed} of {assigned}, {overdue} overdue";

    /// <summary>Every assignment known at the hour.</summary>
    public int WorkCount(int hour) => Work.Select(w => w.Id).Distinct().Count(id => AsOf(Work, id, hour) is not null);

    private int Overdue(int user, List<Fact<WorkFact>> work, int hour) =>
        IsPaused(user, hour)
            ? 0
            : work.Count(a => a.Value.State == AssignmentState.Open && a.Value.DueHour < Math.Min(hour, ClockHour));

    private bool IsPaused(int user, int hour) => AsOf(Decisions, user, hour)?.Value.Verdict == Verdict.Paused;

    private List<Fact<WorkFact>> NotWithdrawn(int user, int hour) =>
        [
            .. Work.Select(w => w.Id)
                .Distinct()
                .Where(id => UserOf(id) == user)
                .Select(id => AsOf(Work, id, hour))
                .OfType<Fact<WorkFact>>()
                .Where(a => a.Value.State != AssignmentState.Withdrawn),
        ];

    /// <summary>Alive at the start or at any change until the end, or not known before the start.</summary>
    private bool WasThere(int user, int from, int hour)
    {
        var times = People.Where(p => p.Id == user && p.Hour < hour).Select(p => p.Hour).ToList();
        return times.Min() >= from
            || times
                .Where(t => t >= from)
                .Append(from)
                .Select(t => AsOf(People, user, t + 1)?.Value.State)
                .Any(s => s is UserState.Active or UserState.Disabled);
    }

    /// <summary>The highest revision observed before the hour.</summary>
    private static Fact<T>? AsOf<T>(List<Fact<T>> facts, int id, int hour) =>
        facts.Where(f => f.Id == id && f.Hour < hour).MaxBy(f => f.Revision);

    private static List<Fact<T>> Once<T>(List<Fact<T>> facts) => [.. facts.DistinctBy(f => (f.Id, f.Revision))];

    private static int UserOf(int work) => work / (Courses * Cycles);

    private static int CourseOf(int work) => work / Cycles % Courses;

    private static int CycleOf(int work) => work % Cycles;

    private static Timestamp At(int hour) => Start.AddHours(hour).ToTimestamp();

    private IEnumerable<RosterChanged> RosterEvents(ClientInfo client)
    {
        for (var version = 1; version <= People.Select(p => p.Revision).DefaultIfEmpty().Max(); version++)
        {
            var users = People.Where(p => p.Revision == version).Select(p => ToUser(client, p)).ToList();
            var parts = users.Chunk(2).DefaultIfEmpty([]).ToList();
            for (var part = 1; part <= parts.Count; part++)
            {
                yield return new()
                {
                    MspId = client.MspId.ToString(),
                    ClientId = client.ClientId.ToString(),
                    OccurTime = At(version * 50),
                    RosterVersion = version,
                    Part = part,
                    Parts = parts.Count,
                    Users = { parts[part - 1] },
                    OutsideImportCount = OutsideImport,
                };
            }
        }
    }

    private IEnumerable<ScopeChanged> ScopeEvents(ClientInfo client) =>
        Decisions
            .GroupBy(d => d.Hour)
            .Select(g => new ScopeChanged
            {
                MspId = client.MspId.ToString(),
                ClientId = client.ClientId.ToString(),
                OccurTime = At(g.Key),
                RosterVersion = 1,
                PolicyVersion = 1,
                Decisions = { g.Select(d => ToDecision(client, d)) },
            });

    private IEnumerable<AssignmentsChanged> WorkEvents(ClientInfo client) =>
        Work.GroupBy(w => w.Hour)
            .Select(g => new AssignmentsChanged
            {
                MspId = client.MspId.ToString(),
                ClientId = client.ClientId.ToString(),
                OccurTime = At(g.Key),
                Assignments = { g.Select(w => ToAssignment(client, w)) },
            });

    private static User ToUser(ClientInfo client, Fact<PersonFact> fact) =>
        new()
        {
            Id = UserId(client, fact.Id).ToString(),
            Revision = fact.Revision,
            DisplayName = $"User {fact.Id}",
            State = fact.Value.State,
            Kind = fact.Value.Kind,
            StagedForRemoval = fact.Value.Staged,
            Department = fact.Value.Department,
        };

    private static Decision ToDecision(ClientInfo client, Fact<DecisionFact> fact) =>
        new()
        {
            UserId = UserId(client, fact.Id).ToString(),
            Revision = fact.Revision,
            Verdict = fact.Value.Verdict,
            Audiences = { fact.Value.Audiences },
            Reason = "because",
            ReasonCode = "code",
            RosterVersion = 1,
            PolicyVersion = 1,
        };

    private static Assignment ToAssignment(ClientInfo client, Fact<WorkFact> fact) =>
        new()
        {
            Id = Id(client, 2, fact.Id).ToString(),
            UserId = UserId(client, UserOf(fact.Id)).ToString(),
            CourseId = $"course {CourseOf(fact.Id)}",
            CourseTitle = $"Course {CourseOf(fact.Id)}",
            Cycle = $"{CycleOf(fact.Id)}",
            State = fact.Value.State,
            OpenTime = At(CycleOf(fact.Id)),
            DueTime = At(fact.Value.DueHour),
            Revision = fact.Revision,
        };

    /// <summary>The same id for the same thing of a client, however often it is asked.</summary>
    private static Guid Id(ClientInfo client, byte kind, int number)
    {
        var bytes = client.ClientId.ToByteArray();
        bytes[10] = kind;
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(12), number);
        return new(bytes);
    }
}
