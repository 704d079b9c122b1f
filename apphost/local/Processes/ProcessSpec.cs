namespace Rollcall.Local.Processes;

/// <summary>One program to run: what, as whom, how it is asked to stop and how one sees that it serves.</summary>
public sealed record ProcessSpec(string Name, string File, params IReadOnlyList<string> Args)
{
    /// <summary>Added to ours; null takes a variable away.</summary>
    public Dictionary<string, string?> Environment { get; init; } = [];

    /// <summary>The account to run as when we are root; null = our own.</summary>
    public string? User { get; init; }

    public int StopSignal { get; init; } = Signals.Terminate;

    /// <summary>Sent by the kernel when we die, however we die.</summary>
    public string DeathSignal { get; init; } = "KILL";

    /// <summary>Run before each start: clears what an earlier kill -9 may have left.</summary>
    public Action BeforeStart { get; init; } = () => { };

    public Func<CancellationToken, Task<bool>> IsReadyAsync { get; init; } = _ => Task.FromResult(true);
}
