using System.Diagnostics;
using System.Globalization;
using Rollcall.Local;
using Rollcall.Local.Processes;

namespace Rollcall.Testing;

/// <summary>A server of one test class alone, which may take it away: other tests run on theirs beside it.</summary>
public sealed class OwnServer(ProcessSpec spec, RunFolder folder)
{
    private const int SigKill = 9;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    private SupervisedProcess? process;

    /// <summary>Returns when it serves.</summary>
    public async Task StartAsync()
    {
        process = new(spec, folder, Output.Quiet());
        process.Start();
        await process.WaitReadyAsync(Patience, CancellationToken.None);
    }

    /// <summary>As in a power cut. It stays down.</summary>
    public Task KillAsync() => EndAsync(SigKill);

    /// <summary>As an administrator does. It stays down.</summary>
    public Task StopAsync() => EndAsync(signal: null);

    /// <summary>It does not answer any more, but its connections stay open.</summary>
    public Task HangAsync() => SignalAsync("STOP");

    public Task WakeAsync() => SignalAsync("CONT");

    private async Task EndAsync(int? signal)
    {
        if (process is { } running)
        {
            process = null;
            await running.StopAsync(Patience, signal);
        }
    }

    private async Task SignalAsync(string name)
    {
        var pid = await File.ReadAllTextAsync(folder.PidFile(spec.Name));
        using var kill = Process.Start(
            "kill",
            [$"-{name}", int.Parse(pid, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture)]
        );
        await kill.WaitForExitAsync();
    }
}
