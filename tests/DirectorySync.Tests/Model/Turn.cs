using CsCheck;
using Rollcall.GraphEmulator.Faults;
using Rollcall.GraphEmulator.Model;

namespace Rollcall.DirectorySync.Tests.Model;

/// <summary>What can happen to a directory, to Graph and to us between two syncs.</summary>
public enum TurnKind
{
    AddUser,
    ChangeUser,
    Disable,
    Enable,
    DeleteUser,
    PurgeUser,
    RestoreUser,
    SetManager,
    AddGroup,
    RenameGroup,
    DeleteGroup,
    PurgeGroup,
    RestoreGroup,
    AddMember,
    Nest,
    RemoveMember,
    Fault,
    Mend,
    Reset,
    ExpireTokens,
    MutateCursor,
    Rescope,
    Sync,
    Approve,

    /// <summary>A change of the directory that happens between two answers of Graph.</summary>
    Meanwhile,

    /// <summary>Changes show in the delta only some answers later.</summary>
    Lag,

    /// <summary>The next sync, or the next approval, dies on the way.</summary>
    Die,
}

/// <summary>One thing that happens. The numbers choose whom it happens to and how, modulo what there is.</summary>
public sealed record Turn(TurnKind Kind, int A, int B, int C)
{
    private static readonly FaultKind[] Faults =
    [
        FaultKind.Truncate,
        FaultKind.Reset,
        FaultKind.Html502,
        FaultKind.Throttle,
        FaultKind.Status,
        FaultKind.Duplicate,
        FaultKind.Replay,
        FaultKind.Shuffle,
        FaultKind.EmptyPage,
        FaultKind.RemovedInInitial,
        FaultKind.ExpiredToken,
        FaultKind.GoneWithLocation,
        FaultKind.BadToken,
        FaultKind.ExpiredPageToken,
        FaultKind.Unauthorized,
        FaultKind.Slow,
    ];

    private static readonly TurnKind[] Changes =
    [
        TurnKind.AddUser,
        TurnKind.ChangeUser,
        TurnKind.Disable,
        TurnKind.Enable,
        TurnKind.DeleteUser,
        TurnKind.RestoreUser,
        TurnKind.RestoreUser,
        TurnKind.SetManager,
        TurnKind.AddGroup,
        TurnKind.RenameGroup,
        TurnKind.DeleteGroup,
        TurnKind.RestoreGroup,
        TurnKind.AddMember,
        TurnKind.AddMember,
        TurnKind.Nest,
        TurnKind.RemoveMember,
    ];

    private static readonly string[] Points =
    [
        "after-token",
        "after-page",
        "after-spill",
        "after-read",
        "after-upsert",
        "after-groups",
        "after-losses",
        "after-outbox",
        "after-cursor",
        "before-commit",
        "after-commit",
        "after-cache",
        "before-fail-commit",
    ];

    private static readonly string[] ApprovalPoints =
    [
        "after-decision",
        "after-decision-outbox",
        "before-approval",
        "after-approval",
    ];

    public static readonly Gen<Turn> Any = Gen.Select(
        Gen.Frequency(
            (6, Gen.Const(TurnKind.AddUser)),
            (8, Gen.Const(TurnKind.ChangeUser)),
            (4, Gen.Const(TurnKind.Disable)),
            (3, Gen.Const(TurnKind.Enable)),
            (6, Gen.Const(TurnKind.DeleteUser)),
            (2, Gen.Const(TurnKind.PurgeUser)),
            (4, Gen.Const(TurnKind.RestoreUser)),
            (6, Gen.Const(TurnKind.SetManager)),
            (3, Gen.Const(TurnKind.AddGroup)),
            (2, Gen.Const(TurnKind.RenameGroup)),
            (2, Gen.Const(TurnKind.DeleteGroup)),
            (1, Gen.Const(TurnKind.PurgeGroup)),
            (2, Gen.Const(TurnKind.RestoreGroup)),
            (6, Gen.Const(TurnKind.AddMember)),
            (4, Gen.Const(TurnKind.Nest)),
            (4, Gen.Const(TurnKind.RemoveMember)),
            (8, Gen.Const(TurnKind.Fault)),
            (2, Gen.Const(TurnKind.Mend)),
            (2, Gen.Const(TurnKind.Reset)),
            (1, Gen.Const(TurnKind.ExpireTokens)),
            (1, Gen.Const(TurnKind.MutateCursor)),
            (2, Gen.Const(TurnKind.Rescope)),
            (10, Gen.Const(TurnKind.Sync)),
            (2, Gen.Const(TurnKind.Approve)),
            (10, Gen.Const(TurnKind.Meanwhile)),
            (2, Gen.Const(TurnKind.Lag)),
            (4, Gen.Const(TurnKind.Die))
        ),
        Gen.Int[0, 99],
        Gen.Int[0, 99],
        Gen.Int[0, 99],
        (kind, a, b, c) => new Turn(kind, a, b, c)
    );

    /// <summary>What happens meanwhile: before which answer of which stream, and what.</summary>
    public (string Stream, int Answer, Turn Change) ToMeanwhile() =>
        (A % 2 == 0 ? "users" : "groups", (A / 2 % 6) + 1, new(Changes[B % Changes.Length], C, A + B, B + C));

    /// <summary>The first who can be changed so, before that answer of the stream.</summary>
    public static Turn Meanwhile(string stream, int answer, TurnKind change) =>
        new(TurnKind.Meanwhile, (2 * (answer - 1)) + (stream == "users" ? 0 : 1), Array.IndexOf(Changes, change), 0);

    /// <summary>Where to die, and the how manieth time one gets there.</summary>
    public (string Point, int Time, bool IsApproval) ToDeath() =>
        A % 3 == 0
            ? (ApprovalPoints[B % ApprovalPoints.Length], 1, true)
            : (Points[B % Points.Length], (C % 3) + 1, false);

    /// <summary>A wrong answer or two on one of the two streams, soon.</summary>
    public FaultRule ToFault(Guid tenant) =>
        new()
        {
            Tenant = tenant,
            Kind = Faults[A % Faults.Length],
            Path = B % 2 == 0 ? "/v1.0/users/delta*" : "/v1.0/groups/delta*",
            Nth = [(B / 2 % 4) + 1, (C % 5) + 1],
            RetryAfter = System.Text.Json.JsonSerializer.SerializeToElement(C % 2 == 0 ? (object)0 : "none"),
            Status = (C % 4) switch
            {
                0 => 503,
                1 => 500,
                2 => 504,
                _ => 404,
            },
            DelayMs = 20,
        };

    public override string ToString() =>
        Kind == TurnKind.Fault ? $"{Faults[A % Faults.Length]}({B},{C})" : $"{Kind}({A},{B},{C})";
}

/// <summary>A small directory, how Graph shows it, and what happens to it.</summary>
public sealed record Story(int Seed, int Users, int Groups, TenantSettings Settings, Turn[] Turns)
{
    /// <summary>The import scope may leave people out.</summary>
    public bool IsScoped => Turns.Any(t => t.Kind == TurnKind.Rescope);

    public static readonly Gen<Story> Any = Gen.Select(
        Gen.Int[1, 1_000_000],
        Gen.Int[2, 9],
        Gen.Int[1, 4],
        Gen.Select(
            Gen.Int[1, 6],
            Gen.Int[1, 6],
            Gen.Enum<PropertyMode>(),
            Gen.Int[0, 15],
            (pageSize, links, mode, switches) =>
                new TenantSettings
                {
                    PageSize = pageSize,
                    LinksPerPage = links,
                    PropertyMode = mode,
                    Throttling = false,
                    RemovedInInitial = (switches & 1) != 0,
                    ExpiredTokenIsGone = (switches & 2) != 0,
                    SecurityGroupSoftDelete = (switches & 4) != 0,
                    RestoreEmitsLinks = (switches & 8) != 0,
                }
        ),
        Turn.Any.Array[1, 24],
        (seed, users, groups, settings, turns) => new Story(seed, users, groups, settings, turns)
    );

    public override string ToString() =>
        $"seed {Seed}, {Users} users, {Groups} groups, {Settings}\n  {string.Join("\n  ", (object[])Turns)}";
}
